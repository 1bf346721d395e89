//! Numbering plans: what libphonenumber knows about lengths and assigned ranges.
//!
//! The library writes national numbers to the `log` facade at trace level, under the target
//! `rlibphonenumber`. A program that turns trace on for everything must leave that target out.
//! To keep clear of it, and because it is faster, a number is divided here; the library's parser
//! is asked only where trunk prefixes have to be told from digits, which differs by country.

use std::num::NonZeroU64;

use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, ParseError, ValidationError};

use super::{ClearText, MAX_DIGITS, NumberError, PhoneNumber, Region};

/// The digits of a number, known to be 3 to 15 and to start with a country code.
pub(super) struct Split {
    value: NonZeroU64,
    digits: ClearText,
}

/// How much a number has to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// Of a length that the country has.
    Possible,
    /// In a range that the country has assigned, besides.
    Assigned,
}

impl Split {
    pub(super) fn of(number: PhoneNumber) -> Self {
        Self {
            value: number.0,
            digits: number.digits(),
        }
    }

    /// `+`, country code, national number, with the usual punctuation.
    pub(super) fn international(text: &str) -> Result<Self, NumberError> {
        let text = text.trim_matches(is_blank);
        if text.is_empty() {
            return Err(NumberError::Empty);
        }
        let Some(rest) = text.strip_prefix('+') else {
            refuse_foreign_characters(text)?;
            return Err(NumberError::MissingCountryCode);
        };
        refuse_foreign_characters(rest)?;
        Self::from_digits(digits_of(rest))
    }

    /// As dialled inside `region`.
    pub(super) fn national(text: &str, region: Region) -> Result<Self, NumberError> {
        let text = text.trim_matches(is_blank);
        if text.is_empty() {
            return Err(NumberError::Empty);
        }
        refuse_foreign_characters(text)?;
        let digits: String = digits_of(text).map(char::from).collect();
        Self::from_library(&digits, Some(region.to_library()?))
    }

    /// Without the trunk prefix that is not dialled from abroad but often left in: `+44 (0)20 …`,
    /// `+52 1 55 …`. `None` if the country's plan has nothing to remove.
    pub(super) fn without_trunk_prefix(&self) -> Option<Self> {
        let text = PhoneNumber(self.value).e164();
        Self::from_library(&text, None)
            .ok()
            .filter(|split| split.value != self.value)
    }

    fn from_library(
        text: &str,
        region: Option<rlibphonenumber::Region>,
    ) -> Result<Self, NumberError> {
        let parsed = PHONE_NUMBER_UTIL
            .parse(text, region)
            .map_err(from_parse_error)?;
        let national = rlibphonenumber::get_national_significant_number_owned(&parsed);
        let code = parsed.country_code.to_string();
        Self::from_digits(code.bytes().chain(national.bytes()))
    }

    /// The older service's rule: digits only, leading 8 of eleven digits becomes 7.
    pub(super) fn legacy(text: &str) -> Result<Self, NumberError> {
        let eleven = digits_of(text).count() == 11;
        let digits = digits_of(text)
            .enumerate()
            .map(|(index, digit)| match (index, digit) {
                (0, b'8') if eleven => b'7',
                _ => digit,
            });
        if digits_of(text).next().is_none() {
            return Err(NumberError::Empty);
        }
        Self::from_digits(digits)
    }

    fn from_digits(digits: impl Iterator<Item = u8>) -> Result<Self, NumberError> {
        let mut value: u64 = 0;
        let mut count = 0;
        for digit in digits {
            if count == 0 && digit == b'0' {
                return Err(NumberError::UnknownCountryCode);
            }
            count += 1;
            if count > MAX_DIGITS {
                return Err(NumberError::TooLong { country_code: None });
            }
            value = value * 10 + u64::from(digit - b'0');
        }
        match NonZeroU64::new(value) {
            Some(value) if count >= 3 => Ok(Self {
                value,
                digits: PhoneNumber(value).digits(),
            }),
            _ => Err(NumberError::TooShort { country_code: None }),
        }
    }

    fn code(&self) -> u16 {
        country_code(&self.digits)
    }

    fn national_part(&self) -> &str {
        &self.digits[country_code_len(&self.digits)..]
    }

    /// The number, if it passes `check`.
    pub(super) fn checked(&self, check: Check) -> Result<PhoneNumber, NumberError> {
        self.check_possible()?;
        if check == Check::Assigned {
            self.check_assigned()?;
        }
        Ok(PhoneNumber(self.value))
    }

    /// The length is one that numbers of the country have.
    fn check_possible(&self) -> Result<(), NumberError> {
        let code = self.code();
        let country_code = Some(code);
        match PHONE_NUMBER_UTIL.is_possible_number_with_reason(&self.to_library()) {
            Ok(NumberLengthType::IsPossible) => Ok(()),
            // Dialled inside one town only: the area code is missing.
            Ok(NumberLengthType::IsPossibleLocalOnly) | Err(ValidationError::TooShort) => {
                Err(NumberError::TooShort { country_code })
            }
            Err(ValidationError::TooLong) => Err(NumberError::TooLong { country_code }),
            Err(ValidationError::InvalidLength) => {
                Err(NumberError::ImpossibleLength { country_code: code })
            }
            Err(ValidationError::InvalidCountryCode) => Err(NumberError::UnknownCountryCode),
        }
    }

    /// The number lies in a range that the country has assigned.
    fn check_assigned(&self) -> Result<(), NumberError> {
        if PHONE_NUMBER_UTIL.is_valid_number(&self.to_library()) {
            Ok(())
        } else {
            Err(NumberError::Unassigned {
                country_code: self.code(),
            })
        }
    }

    pub(super) fn region(&self) -> Option<Region> {
        let region = PHONE_NUMBER_UTIL.get_region_for_number(&self.to_library());
        region.and_then(Region::from_library)
    }

    fn to_library(&self) -> rlibphonenumber::PhoneNumber {
        let national = self.national_part();
        // The library keeps leading zeros as a count, save the last digit, which may be a zero
        // of its own.
        let zeros = national
            .bytes()
            .take(national.len().saturating_sub(1))
            .take_while(|&b| b == b'0')
            .count();
        rlibphonenumber::PhoneNumber {
            country_code: i32::from(self.code()),
            national_number: national.parse().unwrap_or_default(),
            italian_leading_zero: (zeros > 0).then_some(true),
            number_of_leading_zeros: (zeros > 1).then_some(zeros as i32),
            ..Default::default()
        }
    }
}

/// How many of the leading digits are the country code (ITU-T E.164, list of assigned codes).
/// One digit in zones 1 and 7; else two for the codes below, else three.
pub(super) fn country_code_len(digits: &str) -> usize {
    let length = match digits.as_bytes() {
        [b'1' | b'7', ..] => 1,
        [b'2', b'0' | b'7', ..]
        | [b'3', b'0'..=b'4' | b'6' | b'9', ..]
        | [b'4', b'0' | b'1' | b'3'..=b'9', ..]
        | [b'5', b'1'..=b'8', ..]
        | [b'6', b'0'..=b'6', ..]
        | [b'8', b'1' | b'2' | b'4' | b'6', ..]
        | [b'9', b'0'..=b'5' | b'8', ..] => 2,
        _ => 3,
    };
    length.min(digits.len())
}

pub(super) fn country_code(digits: &str) -> u16 {
    digits[..country_code_len(digits)]
        .parse()
        .unwrap_or_default()
}

fn digits_of(text: &str) -> impl Iterator<Item = u8> {
    text.bytes().filter(u8::is_ascii_digit)
}

/// Blanks, and the invisible marks that come along when a number is copied from a contact list.
fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

fn is_punctuation(c: char) -> bool {
    matches!(
        c,
        '-' | '.' | '/' | '(' | ')' | '[' | ']' | '\u{2010}'..='\u{2015}' | '\u{2212}'
    )
}

fn refuse_foreign_characters(text: &str) -> Result<(), NumberError> {
    let foreign = text
        .chars()
        .find(|&c| !(c.is_ascii_digit() || is_blank(c) || is_punctuation(c)));
    match foreign {
        None => Ok(()),
        Some(c) if c.is_alphabetic() => Err(NumberError::Letters),
        Some(_) => Err(NumberError::UnexpectedCharacter),
    }
}

fn from_parse_error(error: ParseError) -> NumberError {
    match error {
        ParseError::InvalidCountryCode => NumberError::UnknownRegion,
        // Only digits are handed over, so what is "not a number" is one digit or none.
        ParseError::TooShortAfterIdd | ParseError::TooShortNsn | ParseError::NotANumber(_) => {
            NumberError::TooShort { country_code: None }
        }
        ParseError::TooLongNsn => NumberError::TooLong { country_code: None },
    }
}
