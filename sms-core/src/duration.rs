//! Durations as people write them: `5s`, `10m`, `1h30m`, `500ms`, `2d`.
//!
//! Usable as `#[serde(with = "sms_core::duration")]`, and for `Option<Duration>` as
//! `#[serde(default, with = "sms_core::duration::option")]`.

use std::fmt::{self, Write as _};
use std::time::Duration;

use serde::{Deserializer, Serializer, de};

/// Names and lengths in nanoseconds, longest first: the order in which they may follow each other.
const UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Longest duration that is read: 100 years of 365 days. Longer ones are slips of the pen, and the
/// bound keeps sums with the clock far from overflow.
pub const MAX: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DurationError {
    /// Nothing there.
    #[error("the duration is empty; write for instance 5s or 1h30m")]
    Empty,
    /// A number without a unit.
    #[error(
        "the duration {text:?} has a number without a unit; write for instance {number}s or {number}m"
    )]
    MissingUnit {
        /// What was given.
        text: String,
        /// The number that lacks its unit.
        number: u64,
    },
    /// A unit without a number, or a sign, or a decimal point.
    #[error(
        "the duration {text:?} is not whole numbers with units; write for instance 90s, 1h30m or 500ms"
    )]
    MissingNumber {
        /// What was given.
        text: String,
    },
    /// A unit that does not exist.
    #[error(
        "the duration {text:?} has the unknown unit {unit:?}; units are d, h, m, s, ms, us, ns"
    )]
    UnknownUnit {
        /// What was given.
        text: String,
        /// The unit that was not understood.
        unit: String,
    },
    /// `30m1h` or `5s5s`.
    #[error("the duration {text:?} has its units out of order; write each once, longest first")]
    Order {
        /// What was given.
        text: String,
    },
    /// More than [`MAX`].
    #[error("the duration {text:?} is longer than 100 years")]
    TooLong {
        /// What was given.
        text: String,
    },
}

/// Reads whole numbers with units, longest unit first, each at most once: `1h30m`. Spaces between
/// the parts are allowed. `d` is 24 hours.
///
/// # Errors
/// [`DurationError`]; a number without a unit is refused, because seconds and milliseconds are
/// both usual and guessing would be wrong by a factor of a thousand.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(DurationError::Empty);
    }
    let mut total: u64 = 0;
    let mut smallest = u64::MAX;
    while !rest.is_empty() {
        let (nanoseconds, unit, tail) = part(text, rest)?;
        if unit >= smallest {
            return Err(DurationError::Order {
                text: text.to_owned(),
            });
        }
        smallest = unit;
        total = total
            .checked_add(nanoseconds)
            .ok_or_else(|| too_long(text))?;
        rest = tail.trim_start();
    }
    let duration = Duration::from_nanos(total);
    if duration > MAX {
        Err(too_long(text))
    } else {
        Ok(duration)
    }
}

/// The first number with its unit: its length, the unit's length, and what follows.
fn part<'a>(text: &str, rest: &'a str) -> Result<(u64, u64, &'a str), DurationError> {
    let (digits, tail) = split_while(rest, |c| c.is_ascii_digit());
    let (name, tail) = split_while(tail, char::is_alphabetic);
    if digits.is_empty() {
        return Err(DurationError::MissingNumber {
            text: text.to_owned(),
        });
    }
    let number: u64 = digits.parse().map_err(|_| too_long(text))?;
    if name.is_empty() {
        return Err(if tail.trim_start().is_empty() || tail.starts_with(' ') {
            DurationError::MissingUnit {
                text: text.to_owned(),
                number,
            }
        } else {
            DurationError::MissingNumber {
                text: text.to_owned(),
            }
        });
    }
    let unit = UNITS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, length)| *length);
    let unit = unit.ok_or_else(|| DurationError::UnknownUnit {
        text: text.to_owned(),
        unit: name.to_owned(),
    })?;
    let nanoseconds = number.checked_mul(unit).ok_or_else(|| too_long(text))?;
    Ok((nanoseconds, unit, tail))
}

fn split_while(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

fn too_long(text: &str) -> DurationError {
    DurationError::TooLong {
        text: text.to_owned(),
    }
}

/// Writes what [`parse_duration`] reads: `1h30m`, `0s`.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let mut text = String::new();
    let written = write_duration(&mut text, duration);
    debug_assert!(written.is_ok(), "writing to a String cannot fail");
    text
}

fn write_duration(out: &mut String, duration: Duration) -> fmt::Result {
    if duration.is_zero() {
        return out.write_str("0s");
    }
    let mut left = duration.as_nanos();
    for (name, length) in UNITS {
        let length = u128::from(length);
        if left >= length {
            write!(out, "{}{name}", left / length)?;
            left %= length;
        }
    }
    Ok(())
}

/// For `#[serde(with = "sms_core::duration")]`.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_duration(*duration))
}

/// For `#[serde(with = "sms_core::duration")]`.
///
/// # Errors
/// [`DurationError`] in the deserializer's own type; a bare number is told that it lacks a unit.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(DurationVisitor)
}

struct DurationVisitor;

impl de::Visitor<'_> for DurationVisitor {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration in quotes, such as \"5s\" or \"1h30m\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
        parse_duration(text).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Duration, E> {
        Err(E::custom(DurationError::MissingUnit {
            text: number.to_string(),
            number,
        }))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Duration, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::custom(DurationError::MissingNumber {
                text: number.to_string(),
            })),
        }
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Duration, E> {
        Err(E::custom(DurationError::MissingNumber {
            text: number.to_string(),
        }))
    }
}

/// The same for `Option<Duration>`.
pub mod option {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    /// For `#[serde(with = "sms_core::duration::option")]`.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => serializer.serialize_some(&super::format_duration(*duration)),
            None => serializer.serialize_none(),
        }
    }

    /// For `#[serde(with = "sms_core::duration::option")]`.
    ///
    /// # Errors
    /// As [`super::deserialize`].
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        #[derive(Deserialize)]
        struct Wrapped(#[serde(with = "super")] Duration);

        Ok(Option::<Wrapped>::deserialize(deserializer)?.map(|Wrapped(duration)| duration))
    }
}

#[cfg(test)]
mod tests;
