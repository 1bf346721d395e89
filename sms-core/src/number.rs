//! Phone numbers in E.164 form.

mod clear;
mod plan;
mod region;

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use clear::ClearText;
pub use region::Region;

use plan::{Check, Split};

/// Most digits of an international number, country code included (ITU-T E.164, 6.1).
const MAX_DIGITS: usize = 15;

/// A phone number: country code and national number, at most 15 digits (ITU-T E.164).
///
/// A number is personal data, so `Debug` and `Display` show it masked (`+7•••••••567`).
/// What needs it in clear says so: [`e164`](Self::e164), [`digits`](Self::digits),
/// [`to_u64`](Self::to_u64).
///
/// serde writes the number **in clear**, because stores and providers need it; do not serialize
/// it into a log. It reads back what it wrote by shape alone: a number accepted yesterday must
/// still be readable when newer numbering plans no longer know it. Input from people goes through
/// [`parse`](Self::parse).
///
/// ```
/// use sms_core::PhoneNumber;
///
/// let to: PhoneNumber = "+7 (999) 123-45-67".parse()?;
/// assert_eq!(to.e164().as_str(), "+79991234567");
/// assert_eq!(to.to_string(), "+7•••••••567");
/// # Ok::<(), sms_core::NumberError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PhoneNumber(NonZeroU64);

/// Why a text is not a phone number. Never contains the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NumberError {
    /// Nothing but blanks.
    #[error("the phone number is empty; write it as +, country code, number")]
    Empty,
    /// No leading `+`.
    #[error("the phone number has no country code; start it with + and the country code")]
    MissingCountryCode,
    /// The digits after `+` start with a code that no country has.
    #[error("the phone number starts with an unknown country code; check the digits after the +")]
    UnknownCountryCode,
    /// Letters, for instance of a vanity number or an extension.
    #[error("the phone number contains letters; write digits only, without an extension")]
    Letters,
    /// Something that is neither a digit nor usual punctuation.
    #[error(
        "the phone number contains an unexpected character; \
         besides digits only spaces, dashes, dots, slashes and brackets may stand in it"
    )]
    UnexpectedCharacter,
    /// Fewer digits than any number of that country has.
    #[error("the phone number is too short{}; digits are missing", Of(*.country_code))]
    TooShort {
        /// The country code, if it could be read.
        country_code: Option<u16>,
    },
    /// More digits than any number of that country has.
    #[error("the phone number is too long{}; it has digits too many", Of(*.country_code))]
    TooLong {
        /// The country code, if it could be read.
        country_code: Option<u16>,
    },
    /// Between the shortest and the longest, but no number of that country is this long.
    #[error("no phone number of country code +{country_code} has this many digits; count them")]
    ImpossibleLength {
        /// The country code.
        country_code: u16,
    },
    /// Of the right length, but in no range that the country has assigned.
    #[error(
        "the phone number is in no assigned range of country code +{country_code}; check the digits"
    )]
    Unassigned {
        /// The country code.
        country_code: u16,
    },
    /// Not a two-letter code of a region with a numbering plan.
    #[error("unknown region; write the two letters of ISO 3166-1, such as RU or DE")]
    UnknownRegion,
    /// Stored form that is not `+` and digits.
    #[error("not a stored phone number: expected + and 3 to 15 digits, nothing else")]
    NotCanonical,
}

/// " for country code +7", or nothing.
struct Of(Option<u16>);

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .map_or(Ok(()), |code| write!(f, " for country code +{code}"))
    }
}

impl PhoneNumber {
    /// Reads a number in international form that lies in an assigned range.
    ///
    /// `+` and the country code are required; spaces, dashes, dots, slashes and brackets are
    /// skipped, and so is a trunk prefix that is not dialled from abroad, as in `+44 (0)20 …`.
    ///
    /// This is the default because a mistyped number costs money and sends a private text to a
    /// stranger. Numbering plans grow, though: a range opened after this program was built is
    /// refused here as [`NumberError::Unassigned`] and taken by
    /// [`parse_possible`](Self::parse_possible), which checks the length only.
    ///
    /// # Errors
    /// [`NumberError`] says what is wrong, without repeating the number.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        Self::international(text, Check::Assigned)
    }

    /// Like [`parse`](Self::parse), but only the length is checked against the country's plan.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), never [`NumberError::Unassigned`].
    pub fn parse_possible(text: &str) -> Result<Self, NumberError> {
        Self::international(text, Check::Possible)
    }

    /// Reads a number as it is dialled inside `region` (`8 999 123-45-67` in RU), or in
    /// international form. It has to lie in an assigned range, as with [`parse`](Self::parse).
    ///
    /// # Errors
    /// As [`parse`](Self::parse); [`NumberError::UnknownRegion`] if the region has no plan.
    pub fn parse_national(text: &str, region: Region) -> Result<Self, NumberError> {
        if text.trim_start().starts_with('+') {
            return Self::parse(text);
        }
        Split::national(text, region)?.checked(Check::Assigned)
    }

    /// Reads a number the way the older service did: everything but digits is dropped, and the
    /// leading 8 of an 11-digit number (Russian domestic dialling) becomes 7. The result must
    /// have a length possible in its country.
    ///
    /// # Errors
    /// As [`parse_possible`](Self::parse_possible).
    pub fn parse_legacy(text: &str) -> Result<Self, NumberError> {
        Split::legacy(text)?.checked(Check::Possible)
    }

    /// The digits as they stand, or else without a trunk prefix, whichever is a number.
    fn international(text: &str, check: Check) -> Result<Self, NumberError> {
        let split = Split::international(text)?;
        split
            .checked(check)
            .or_else(|error| match split.without_trunk_prefix() {
                Some(other) => other.checked(check).map_err(|_| error),
                None => Err(error),
            })
    }

    /// The number in clear with `+`, for the wire and the store: `+79991234567`.
    #[must_use]
    pub fn e164(self) -> ClearText {
        ClearText::number(true, self.0.get())
    }

    /// The number in clear without `+`: `79991234567`.
    #[must_use]
    pub fn digits(self) -> ClearText {
        ClearText::number(false, self.0.get())
    }

    /// The digits in clear as an integer, for providers that want a JSON number.
    #[must_use]
    pub fn to_u64(self) -> u64 {
        self.0.get()
    }

    /// The country calling code, 1 to 3 digits: 7 for Russia and Kazakhstan.
    #[must_use]
    pub fn country_code(self) -> u16 {
        plan::country_code(self.digits().as_str())
    }

    /// The region the number belongs to, where its plan tells: RU or KZ for +7.
    ///
    /// `None` for numbers of no region (international freephone, satellites) and for ranges that
    /// the numbering plans of this build do not know.
    #[must_use]
    pub fn region(self) -> Option<Region> {
        Split::of(self).region()
    }

    /// What serde wrote: checked by shape alone.
    pub(crate) fn from_canonical(text: &str) -> Result<Self, NumberError> {
        let digits = text.strip_prefix('+').ok_or(NumberError::NotCanonical)?;
        let shaped = (3..=MAX_DIGITS).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        let value = digits.parse().ok().and_then(NonZeroU64::new);
        match value {
            Some(value) if shaped => Ok(Self(value)),
            _ => Err(NumberError::NotCanonical),
        }
    }

    /// Country code, mask, and at most the last three digits: never more than a third of the
    /// national number is shown.
    fn write_masked(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.digits();
        let code = plan::country_code_len(digits.as_str());
        let national = digits.len() - code;
        let shown = (national / 3).min(3);
        write!(f, "+{}", &digits[..code])?;
        (shown..national).try_for_each(|_| f.write_str("•"))?;
        f.write_str(&digits[digits.len() - shown..])
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_masked(f)
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_masked(f)
    }
}

impl FromStr for PhoneNumber {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for PhoneNumber {
    type Error = NumberError;

    fn try_from(text: &str) -> Result<Self, NumberError> {
        Self::parse(text)
    }
}

impl Serialize for PhoneNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.e164().as_str())
    }
}

impl<'de> Deserialize<'de> for PhoneNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = PhoneNumber;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a phone number as + and digits")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<PhoneNumber, E> {
                PhoneNumber::from_canonical(text).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests;
