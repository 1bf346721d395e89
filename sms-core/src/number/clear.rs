//! A short text in clear, kept without allocation.

use std::fmt::{self, Write as _};
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
    /// The digits of `value`, behind `sign` if there is one. At most 15 digits.
    pub(super) fn number(sign: Option<char>, value: u64) -> Self {
        let mut text = Self::EMPTY;
        let written = match sign {
            Some(sign) => write!(text, "{sign}{value}"),
            None => write!(text, "{value}"),
        };
        debug_assert!(written.is_ok(), "a phone number has at most 15 digits");
        text
    }

    /// A text of at most 16 bytes; `None` if it is longer.
    pub(crate) fn new(value: &str) -> Option<Self> {
        let mut text = Self::EMPTY;
        text.write_str(value).is_ok().then_some(text)
    }

    const EMPTY: Self = Self {
        bytes: [0; CAPACITY],
        len: 0,
    };

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only whole `&str`s are ever written, so this is always valid UTF-8.
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl fmt::Write for ClearText {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let start = usize::from(self.len);
        let end = start + part.len();
        let free = self.bytes.get_mut(start..end).ok_or(fmt::Error)?;
        free.copy_from_slice(part.as_bytes());
        self.len = u8::try_from(end).map_err(|_| fmt::Error)?;
        Ok(())
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
