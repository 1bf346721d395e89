//! Who a message is from.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::number::{ClearText, NumberError, PhoneNumber};

/// Longest alphanumeric sender: an address field holds 10 octets, which is 11 septets
/// (3GPP TS 23.040, 9.1.2.5).
const MAX_ALPHANUMERIC_LEN: usize = 11;

/// Shortest and longest short code; national plans and providers agree on 3 to 8 digits.
const SHORT_CODE_LEN: std::ops::RangeInclusive<usize> = 3..=8;

/// The sender of a message: a phone number, a short code, or a name of up to 11 characters.
///
/// A short code or a name is no personal data and is shown as it is; a phone number is masked in
/// `Debug` and `Display`. [`text`](Self::text) gives the clear form, and so does serde, which reads
/// a phone number as [`PhoneNumber`] does: by shape, in the form it was written.
///
/// ```
/// use sms_core::{SenderId, SenderKind};
///
/// let brand: SenderId = "MyBrand".parse()?;
/// assert_eq!(brand.kind(), SenderKind::Alphanumeric);
/// assert_eq!(brand.to_string(), "MyBrand");
/// # Ok::<(), sms_core::SenderError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SenderId(Form);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    Number(PhoneNumber),
    ShortCode(ClearText),
    Alphanumeric(ClearText),
}

/// What sort of sender it is; providers and countries treat them differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SenderKind {
    /// An international phone number: replies are possible.
    Number,
    /// 3 to 8 digits, meaningful inside one country.
    ShortCode,
    /// A name: one-way, not accepted everywhere.
    Alphanumeric,
}

/// Why a text is not a sender. Never contains the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SenderError {
    /// Nothing there.
    #[error("the sender is empty; give a phone number, a short code or a name")]
    Empty,
    /// Starts with `+` but is no phone number.
    #[error("the sender starts with + but is not a phone number: {0}")]
    Number(#[from] NumberError),
    /// Digits alone, too few or too many for a short code.
    #[error(
        "a sender of digits only is a short code of 3 to 8 digits, this has {length}; \
         a phone number starts with +"
    )]
    ShortCodeLength {
        /// How many digits it has.
        length: usize,
    },
    /// A name longer than the address field.
    #[error("the sender has {length} characters; a name has at most {MAX_ALPHANUMERIC_LEN}")]
    TooLong {
        /// How many characters it has.
        length: usize,
    },
    /// A name with a character that networks do not carry in a sender.
    #[error(
        "the sender has the character {character:?} at position {position}; \
         only English letters, digits, space and ASCII punctuation are carried"
    )]
    Character {
        /// The character.
        character: char,
        /// Its position, counted in characters from 1.
        position: usize,
    },
    /// Neither all digits nor a name.
    #[error("a sender name needs at least one letter")]
    NoLetter,
    /// Blanks at the ends, which networks cut off or count.
    #[error("the sender starts or ends with a space; remove it")]
    OuterSpace,
}

impl SenderId {
    /// Reads a phone number (`+` and country code; its length is checked, not its range, because
    /// it is the operator's own), a short code (digits), or a name: 1 to 11 characters of printable
    /// ASCII with a letter among them.
    ///
    /// That is the union of what providers take; one that takes fewer characters refuses the
    /// others itself.
    ///
    /// # Errors
    /// [`SenderError`] says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, SenderError> {
        if text.trim().is_empty() {
            return Err(SenderError::Empty);
        }
        if text.starts_with('+') {
            return Ok(Self(Form::Number(PhoneNumber::parse_possible(text)?)));
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return short_code(text);
        }
        alphanumeric(text)
    }

    /// What sort of sender this is.
    #[must_use]
    pub fn kind(self) -> SenderKind {
        match self.0 {
            Form::Number(_) => SenderKind::Number,
            Form::ShortCode(_) => SenderKind::ShortCode,
            Form::Alphanumeric(_) => SenderKind::Alphanumeric,
        }
    }

    /// The phone number, if the sender is one.
    #[must_use]
    pub fn number(self) -> Option<PhoneNumber> {
        match self.0 {
            Form::Number(number) => Some(number),
            Form::ShortCode(_) | Form::Alphanumeric(_) => None,
        }
    }

    /// The sender in clear, a phone number with its `+`.
    #[must_use]
    pub fn text(self) -> ClearText {
        match self.0 {
            Form::Number(number) => number.e164(),
            Form::ShortCode(text) | Form::Alphanumeric(text) => text,
        }
    }
}

fn short_code(text: &str) -> Result<SenderId, SenderError> {
    let length = text.len();
    ClearText::new(text)
        .filter(|_| SHORT_CODE_LEN.contains(&length))
        .map(|text| SenderId(Form::ShortCode(text)))
        .ok_or(SenderError::ShortCodeLength { length })
}

fn alphanumeric(text: &str) -> Result<SenderId, SenderError> {
    let foreign = text
        .chars()
        .enumerate()
        .find(|(_, c)| !matches!(c, ' '..='~'));
    if let Some((index, character)) = foreign {
        return Err(SenderError::Character {
            character,
            position: index + 1,
        });
    }
    let length = text.len();
    if text.starts_with(' ') || text.ends_with(' ') {
        return Err(SenderError::OuterSpace);
    }
    if !text.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return Err(SenderError::NoLetter);
    }
    ClearText::new(text)
        .filter(|_| length <= MAX_ALPHANUMERIC_LEN)
        .map(|text| SenderId(Form::Alphanumeric(text)))
        .ok_or(SenderError::TooLong { length })
}

impl fmt::Display for SenderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Form::Number(number) => fmt::Display::fmt(&number, f),
            Form::ShortCode(text) | Form::Alphanumeric(text) => fmt::Display::fmt(&text, f),
        }
    }
}

impl fmt::Debug for SenderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Form::Number(number) => write!(f, "SenderId({number})"),
            Form::ShortCode(text) | Form::Alphanumeric(text) => write!(f, "SenderId({text})"),
        }
    }
}

impl FromStr for SenderId {
    type Err = SenderError;

    fn from_str(text: &str) -> Result<Self, SenderError> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for SenderId {
    type Error = SenderError;

    fn try_from(text: &str) -> Result<Self, SenderError> {
        Self::parse(text)
    }
}

impl Serialize for SenderId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text().as_str())
    }
}

impl<'de> Deserialize<'de> for SenderId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = SenderId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sender: a phone number with +, a short code or a name")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<SenderId, E> {
                let sender = if text.starts_with('+') {
                    PhoneNumber::from_canonical(text)
                        .map(|number| SenderId(Form::Number(number)))
                        .map_err(SenderError::Number)
                } else {
                    SenderId::parse(text)
                };
                sender.map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests;
