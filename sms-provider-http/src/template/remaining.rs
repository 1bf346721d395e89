//! The validity that is left when a message is handed over.

use std::time::Duration;

use sms_core::Timestamp;

/// How much of a message's validity is left, within what a provider takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Remaining {
    /// When the message is handed over.
    pub(crate) now: Timestamp,
    /// The least that is told.
    pub(crate) least: Option<Duration>,
    /// The most that is told.
    pub(crate) most: Option<Duration>,
}

impl Remaining {
    /// What is left until then, in whole units. Never more than is left, so that the message does
    /// not come later than wanted; but at least one unit and `least`, because providers take less
    /// for a mistake or for their default.
    pub(super) fn until(&self, expires_at: Timestamp, unit: Duration) -> i64 {
        let left = expires_at.since(self.now);
        let left = left.min(self.most.unwrap_or(left));
        let left = left.max(self.least.unwrap_or(left));
        let units = left.as_millis() / unit.as_millis().max(1);
        i64::try_from(units).unwrap_or(i64::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MINUTE: Duration = Duration::from_secs(60);

    fn until(millis: i64, unit: Duration, least: Option<Duration>, most: Option<Duration>) -> i64 {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let expires_at = Timestamp::from_millis(now.as_millis() + millis);
        Remaining { now, least, most }.until(expires_at, unit)
    }

    #[test]
    fn what_is_left_is_told_in_whole_units_but_at_least_one() {
        for (millis, unit, expected) in [
            (119_999, MINUTE, 1),
            (120_000, MINUTE, 2),
            (90_500, SECOND, 90),
            (1_500, Duration::from_millis(1), 1_500),
            (999, SECOND, 1),
            (-5_000, MINUTE, 1),
        ] {
            assert_eq!(
                until(millis, unit, None, None),
                expected,
                "{millis} {unit:?}"
            );
        }
    }

    #[test]
    fn what_is_left_is_kept_within_what_the_provider_takes() {
        let (least, most) = (Some(20 * SECOND), Some(60 * MINUTE));
        for (millis, expected) in [(1_000, 20), (60_000, 60), (99_000_000, 3_600), (-1, 20)] {
            assert_eq!(until(millis, SECOND, least, most), expected, "{millis}");
        }
    }
}
