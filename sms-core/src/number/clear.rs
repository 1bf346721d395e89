//! A short text in clear, kept without allocation.

use std::fmt;
use std::ops::Deref;

/// `+` and 15 digits.
const CAPACITY: usize = 16;

/// A phone number or sender written out in clear. Asking for one is the deliberate act; once
/// asked for, `Display` shows it. `Debug` does not, so that it cannot slip into a log by way of a
/// derived `Debug`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClearText {
    bytes: [u8; CAPACITY],
    len: u8,
}

impl ClearText {
    /// The digits of `value`, behind a `+` if asked for. At most 15 digits.
    pub(super) fn number(plus: bool, value: u64) -> Self {
        let mut text = Self::EMPTY;
        let len = value.checked_ilog10().map_or(1, |log| log as usize + 1);
        let start = usize::from(plus);
        debug_assert!(
            start + len <= CAPACITY,
            "a phone number has at most 15 digits"
        );
        if plus {
            text.bytes[0] = b'+';
        }
        let mut rest = value;
        for byte in text.bytes[start..start + len].iter_mut().rev() {
            *byte = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        text.len = (start + len) as u8;
        text
    }

    /// A text of at most 16 bytes; `None` if it is longer.
    pub(crate) fn new(value: &str) -> Option<Self> {
        let mut text = Self::EMPTY;
        text.bytes
            .get_mut(..value.len())?
            .copy_from_slice(value.as_bytes());
        text.len = u8::try_from(value.len()).ok()?;
        Some(text)
    }

    const EMPTY: Self = Self {
        bytes: [0; CAPACITY],
        len: 0,
    };

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Made of digits or of a whole `&str`, so this is always valid UTF-8.
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl Deref for ClearText {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for ClearText {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for ClearText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for ClearText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClearText({} characters)", self.chars().count())
    }
}

impl From<ClearText> for String {
    fn from(text: ClearText) -> Self {
        text.as_str().to_owned()
    }
}
