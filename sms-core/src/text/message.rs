//! A text that can be sent.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::encoding::Encoding;
use super::segment::{count_segments, count_segments_of};
use super::{TextError, gsm7, smart};

/// Most segments of one message unless said otherwise. The concatenation header could count to
/// 255, but networks and handsets join no more than about ten reliably, and a slip that sends a
/// whole document costs that many times the price.
pub const DEFAULT_MAX_SEGMENTS: u8 = 10;

/// Most UTF-8 bytes of one character that takes one septet, after replacement by
/// [`Gsm7Smart`](super::EncodingChoice::Gsm7Smart).
const MAX_BYTES_PER_SEPTET: usize = 3;

/// Largest text in UTF-8 bytes that is read back from a store: 255 segments (the most that the
/// concatenation header can count) of characters of 3 bytes.
pub const MAX_STORED_BYTES: usize = max_bytes(u8::MAX);

const fn max_bytes(max_segments: u8) -> usize {
    max_segments as usize * Encoding::Gsm7.units_per_segment(false) * MAX_BYTES_PER_SEPTET
}

/// What a message says: not blank, without control characters other than line feed, carriage
/// return, form feed (all of GSM-7) and tab (which people type), and short enough to be sent.
///
/// A text is personal data: `Debug` tells its length only and there is no `Display`. serde writes
/// it in clear, for the store; what it reads back is checked for blankness and size, not for
/// segments, because the limit may have been lowered since. Cloning is cheap.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MessageText(Arc<str>);

impl MessageText {
    /// Checks a text against [`DEFAULT_MAX_SEGMENTS`].
    ///
    /// # Errors
    /// [`TextError`] says what is wrong with it, without repeating it.
    pub fn new(text: impl Into<String>) -> Result<Self, TextError> {
        Self::within(text, DEFAULT_MAX_SEGMENTS)
    }

    /// Checks a text against a limit of one's own. The text must fit in the encoding that suits it
    /// best; [`plan_within`](super::plan_within) checks it in the one that is chosen.
    ///
    /// # Errors
    /// [`TextError`] says what is wrong with it, without repeating it.
    pub fn within(text: impl Into<String>, max_segments: u8) -> Result<Self, TextError> {
        let text = text.into();
        check_size(&text, max_bytes(max_segments))?;
        check_characters(&text)?;
        check_segments(least_segments(&text, max_segments), max_segments)?;
        Ok(Self(text.into()))
    }

    /// The text in clear.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A text made from a checked one, by replacements that keep it sendable.
    pub(super) fn from_checked(text: String) -> Self {
        Self(text.into())
    }
}

fn check_size(text: &str, limit: usize) -> Result<(), TextError> {
    if text.len() > limit {
        return Err(TextError::TooLarge {
            bytes: text.len(),
            limit,
        });
    }
    if text.trim().is_empty() {
        return Err(TextError::Empty);
    }
    Ok(())
}

fn check_characters(text: &str) -> Result<(), TextError> {
    let refused = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\u{0C}' | '\t');
    // Bytes that a control character may have: ASCII ones, DEL, and 0xC2, which begins U+0080 to
    // U+009F. Nearly every text has none, and looking for bytes is much faster.
    if !text
        .bytes()
        .any(|byte| byte < b' ' || byte == 0x7F || byte == 0xC2)
    {
        return Ok(());
    }
    match text
        .chars()
        .position(refused)
        .zip(text.chars().find(|&c| refused(c)))
    {
        None => Ok(()),
        Some((index, character)) => Err(TextError::ControlCharacter {
            code: character.into(),
            position: index + 1,
        }),
    }
}

pub(super) fn check_segments(segments: usize, limit: u8) -> Result<(), TextError> {
    let limit = usize::from(limit);
    if segments > limit {
        Err(TextError::TooManySegments { segments, limit })
    } else {
        Ok(())
    }
}

/// Segments in the encoding that suits the text best. Replacing characters is only tried if it
/// decides something.
fn least_segments(text: &str, limit: u8) -> usize {
    if let Some(septets) = gsm7::septets(text) {
        return count_segments_of(text, Encoding::Gsm7, septets);
    }
    let segments = count_segments(text, Encoding::Ucs2);
    if segments <= usize::from(limit) {
        return segments;
    }
    smart::fold(text).map_or(segments, |(folded, _)| {
        count_segments(&folded, Encoding::Gsm7)
    })
}

impl fmt::Debug for MessageText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageText({} chars)", self.0.chars().count())
    }
}

impl FromStr for MessageText {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        Self::new(text)
    }
}

impl TryFrom<&str> for MessageText {
    type Error = TextError;

    fn try_from(text: &str) -> Result<Self, TextError> {
        Self::new(text)
    }
}

impl TryFrom<String> for MessageText {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        Self::new(text)
    }
}

impl Serialize for MessageText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for MessageText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = MessageText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a message text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<MessageText, E> {
                check_size(text, MAX_STORED_BYTES).map_err(E::custom)?;
                Ok(MessageText(text.into()))
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests;
