//! How fast a provider may be used.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Fastest rate that is read, per second: far above what any provider allows on one account, so
/// anything higher is a slip of the pen.
const MAX_PER_SECOND: u64 = 100_000;

/// Longest interval between two messages that is read: one day.
const MAX_INTERVAL: Duration = Duration::from_secs(86_400);

/// Messages per second, minute or hour, as in `5/s`, `300/min`, `0.5/s`, `18000/h`.
///
/// At most three decimals. `Display` and serde write it as it was read, so `60/min` and `1/s` are
/// the same rate but not equal; compare [`interval`](Self::interval) for that.
///
/// ```
/// use std::time::Duration;
/// use sms_core::Throughput;
///
/// let rate: Throughput = "5/s".parse()?;
/// assert_eq!(rate.interval(), Duration::from_millis(200));
/// # Ok::<(), sms_core::ThroughputError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Throughput {
    thousandths: u64,
    per: Unit,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Unit {
    Second,
    Minute,
    Hour,
}

/// Why a text is not a throughput.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ThroughputError {
    /// No slash, or no number, or no unit.
    #[error(
        "the throughput {text:?} is not a number per unit; write for instance 5/s, 300/min or 18000/h"
    )]
    Form {
        /// What was given.
        text: String,
    },
    /// A unit that does not exist.
    #[error("the throughput {text:?} has an unknown unit; units are s, min and h")]
    Unit {
        /// What was given.
        text: String,
    },
    /// Zero or negative.
    #[error("the throughput {text:?} would send nothing; it must be more than 0")]
    NotPositive {
        /// What was given.
        text: String,
    },
    /// More than three decimals.
    #[error(
        "the throughput {text:?} has more than three decimals; use a longer unit, such as /min or /h"
    )]
    TooPrecise {
        /// What was given.
        text: String,
    },
    /// Less than one message a day.
    #[error("the throughput {text:?} is less than one message a day")]
    TooSlow {
        /// What was given.
        text: String,
    },
    /// More than 100 000 messages a second.
    #[error("the throughput {text:?} is more than {MAX_PER_SECOND} messages a second")]
    TooFast {
        /// What was given.
        text: String,
    },
}

impl Unit {
    fn seconds(self) -> u64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "min",
            Self::Hour => "h",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Second, Self::Minute, Self::Hour]
            .into_iter()
            .find(|unit| unit.name() == name)
    }
}

impl Throughput {
    /// Time from one message to the next, rounded up to a nanosecond so that the rate is never
    /// exceeded.
    #[must_use]
    pub fn interval(self) -> Duration {
        let nanoseconds = u128::from(self.per.seconds()) * 1_000_000_000 * 1_000;
        let interval = nanoseconds.div_ceil(u128::from(self.thousandths));
        // `check` bounds the interval to a day, which fits.
        u64::try_from(interval).map_or(MAX_INTERVAL, Duration::from_nanos)
    }

    /// Messages per second.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "at most 3.6e11 thousandths, exact in f64"
    )]
    pub fn per_second(self) -> f64 {
        self.thousandths as f64 / 1_000.0 / self.per.seconds() as f64
    }

    fn check(self, text: &str) -> Result<Self, ThroughputError> {
        let text = || text.to_owned();
        if self.thousandths == 0 {
            return Err(ThroughputError::NotPositive { text: text() });
        }
        if self.thousandths > MAX_PER_SECOND * 1_000 * self.per.seconds() {
            return Err(ThroughputError::TooFast { text: text() });
        }
        if self.interval() > MAX_INTERVAL {
            return Err(ThroughputError::TooSlow { text: text() });
        }
        Ok(self)
    }
}

/// `12.345` as 12345.
fn thousandths(number: &str, text: &str) -> Result<u64, ThroughputError> {
    let form = || ThroughputError::Form {
        text: text.to_owned(),
    };
    let too_fast = || ThroughputError::TooFast {
        text: text.to_owned(),
    };
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) {
        return Err(form());
    }
    let decimals = decimals.trim_end_matches('0');
    if decimals.len() > 3 {
        return Err(ThroughputError::TooPrecise {
            text: text.to_owned(),
        });
    }
    let fraction: u64 = format!("{decimals:0<3}").parse().map_err(|_| form())?;
    let whole: u64 = whole.parse().map_err(|_| too_fast())?;
    let scaled = whole.checked_mul(1_000).ok_or_else(too_fast)?;
    scaled.checked_add(fraction).ok_or_else(too_fast)
}

impl FromStr for Throughput {
    type Err = ThroughputError;

    fn from_str(text: &str) -> Result<Self, ThroughputError> {
        let form = || ThroughputError::Form {
            text: text.to_owned(),
        };
        let (number, unit) = text.split_once('/').ok_or_else(form)?;
        let (number, unit) = (number.trim(), unit.trim());
        if number
            .strip_prefix('-')
            .is_some_and(|rest| thousandths(rest, text).is_ok())
        {
            return Err(ThroughputError::NotPositive {
                text: text.to_owned(),
            });
        }
        let thousandths = thousandths(number, text)?;
        let unit_error = || ThroughputError::Unit {
            text: text.to_owned(),
        };
        let per = Unit::parse(unit).ok_or_else(unit_error)?;
        Self { thousandths, per }.check(text)
    }
}

impl fmt::Display for Throughput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.thousandths / 1_000)?;
        let fraction = self.thousandths % 1_000;
        if fraction > 0 {
            let decimals = format!("{fraction:03}");
            write!(f, ".{}", decimals.trim_end_matches('0'))?;
        }
        write!(f, "/{}", self.per.name())
    }
}

impl fmt::Debug for Throughput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Throughput({self})")
    }
}

impl TryFrom<&str> for Throughput {
    type Error = ThroughputError;

    fn try_from(text: &str) -> Result<Self, ThroughputError> {
        text.parse()
    }
}

impl Serialize for Throughput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Throughput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
