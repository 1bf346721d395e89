//! How long to wait before trying again.

use std::time::Duration;

use sms_core::Entropy;

const FIRST: Duration = Duration::from_millis(50);
/// A broker that is back is noticed within this time.
const LONGEST: Duration = Duration::from_secs(2);

/// Waits that double from 50 ms to 2 s, each shortened by a random part of up to a half, so that
/// processes that lost the broker together do not come back together.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { next: FIRST }
    }

    pub(crate) fn next(&mut self, entropy: &dyn Entropy) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(LONGEST);
        let half = wait / 2;
        let share = entropy.next_u64() % 1_024;
        half + half * u32::try_from(share).unwrap_or(0) / 1_024
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sms_core::SystemEntropy;

    #[test]
    fn waits_grow_to_two_seconds_and_no_further() {
        let mut backoff = Backoff::new();
        for full in [50, 100, 200, 400, 800, 1_600, 2_000, 2_000] {
            let wait = backoff.next(&SystemEntropy);
            let full = Duration::from_millis(full);
            assert!(wait >= full / 2 && wait <= full, "{wait:?} of {full:?}");
        }
    }
}
