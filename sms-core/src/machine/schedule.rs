//! When to try again.

use std::time::Duration;

use crate::MessageId;

/// The delays between attempts: `base · 2ⁿ` for retry n = 0, 1, 2, …, at most `cap`, spread by
/// jitter, for at most `max_retries` retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetrySchedule {
    base: Duration,
    cap: Duration,
    max_retries: u32,
    jitter: Jitter,
}

/// How delays are spread, so that messages that failed together do not all come back together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Jitter {
    /// Anywhere between a floor (the base, 1 s at most) and the whole delay.
    #[default]
    Full,
    /// The whole delay.
    None,
}

/// A retry schedule was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// The base is zero.
    #[error("the base of the retry delays is zero: retries would not wait at all")]
    ZeroBase,
    /// The cap is below the base.
    #[error("the cap of the retry delays is shorter than their base")]
    CapBelowBase,
}

/// What the older service promised: base 5 s, cap 600 s (Celery's default), at most 11 retries.
impl Default for RetrySchedule {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(5),
            cap: Duration::from_secs(600),
            max_retries: 11,
            jitter: Jitter::Full,
        }
    }
}

impl RetrySchedule {
    /// A schedule.
    ///
    /// # Errors
    /// [`ScheduleError`] when the delays make no sense.
    pub fn new(
        base: Duration,
        cap: Duration,
        max_retries: u32,
        jitter: Jitter,
    ) -> Result<Self, ScheduleError> {
        if base.is_zero() {
            return Err(ScheduleError::ZeroBase);
        }
        if cap < base {
            return Err(ScheduleError::CapBelowBase);
        }
        Ok(Self {
            base,
            cap,
            max_retries,
            jitter,
        })
    }

    /// How many retries follow the first attempt at most.
    #[must_use]
    pub fn max_retries(&self) -> u32 {
        self.max_retries
    }

    /// The longest that retry `n` (from 0) waits, before the provider's own wish.
    #[must_use]
    pub fn longest(&self, n: u32) -> Duration {
        let factor = 1u32.checked_shl(n).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.cap)
    }

    /// How long retry `n` (from 0) waits. The jitter is drawn from the message's id and `n`, so
    /// that the decision stays a pure function.
    #[must_use]
    pub fn delay(&self, n: u32, id: MessageId, retry_after: Option<Duration>) -> Duration {
        let longest = self.longest(n);
        let chosen = match self.jitter {
            Jitter::None => longest,
            Jitter::Full => {
                let floor = longest.min(Duration::from_secs(1));
                let spread = longest.saturating_sub(floor);
                floor + spread.mul_f64(fraction(id, n))
            }
        };
        // Whole milliseconds, as all times in a record.
        let chosen = Duration::from_millis(u64::try_from(chosen.as_millis()).unwrap_or(u64::MAX));
        chosen.max(retry_after.unwrap_or_default())
    }
}

/// A number in 0..1 that is spread evenly over ids and over `n`.
fn fraction(id: MessageId, n: u32) -> f64 {
    let (high, low) = {
        let bits = id.as_u128();
        ((bits >> 64) as u64, bits as u64)
    };
    // The finishing steps of SplitMix64.
    let mut mixed = high ^ low.rotate_left(32) ^ u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    // 53 bits fill the mantissa of an f64.
    (mixed >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SystemEntropy, Timestamp};

    fn id() -> MessageId {
        MessageId::generate(Timestamp::from_millis(1), &SystemEntropy)
    }

    /// Celery's `get_exponential_backoff_interval(5, n, 600)` for n in 0..11.
    #[test]
    fn the_default_delays_are_those_of_the_older_service() {
        let schedule = RetrySchedule::default();
        let longest: Vec<u64> = (0..11).map(|n| schedule.longest(n).as_secs()).collect();
        assert_eq!(longest, [5, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600]);
        assert_eq!(longest.iter().sum::<u64>(), 3_035);
    }

    #[test]
    fn full_jitter_stays_between_floor_and_longest_and_spreads() {
        let schedule = RetrySchedule::default();
        let delays: Vec<Duration> = (0..1_000).map(|_| schedule.delay(3, id(), None)).collect();
        let (low, high) = (Duration::from_secs(1), Duration::from_secs(40));
        assert!(delays.iter().all(|delay| (low..=high).contains(delay)));
        let mean = delays.iter().sum::<Duration>() / 1_000;
        assert!((18..=23).contains(&mean.as_secs()), "mean {mean:?}");
    }

    #[test]
    fn the_provider_may_ask_for_more_but_not_for_less() {
        let schedule = RetrySchedule::default();
        let hour = Duration::from_secs(3_600);
        assert_eq!(schedule.delay(0, id(), Some(hour)), hour);
        assert!(schedule.delay(0, id(), Some(Duration::ZERO)) >= Duration::from_secs(1));
    }

    #[test]
    fn no_retry_number_overflows() {
        let schedule = RetrySchedule::default();
        assert_eq!(schedule.longest(u32::MAX), Duration::from_secs(600));
    }

    #[test]
    fn a_schedule_without_delays_is_refused() {
        let second = Duration::from_secs(1);
        assert_eq!(
            RetrySchedule::new(Duration::ZERO, second, 1, Jitter::Full),
            Err(ScheduleError::ZeroBase)
        );
        assert_eq!(
            RetrySchedule::new(second * 2, second, 1, Jitter::Full),
            Err(ScheduleError::CapBelowBase)
        );
    }
}
