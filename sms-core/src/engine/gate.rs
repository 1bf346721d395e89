//! Whether a provider gets anything now: the breaker of a lane.

use std::time::Duration;

use tokio::time::Instant;

use crate::AttemptOutcome;
use crate::machine::LONGEST_WISH;

/// After so many failures in a row the provider gets nothing for a while.
const FAILURES_TO_CLOSE: u32 = 5;
/// After so many outcomes in a row of which nobody knows what they are, too. More than failures:
/// one connection that is cut takes with it all that was under way over it, and says little about
/// the provider. Fewer than the 64 that are under way by default: a provider that hangs takes one
/// round of them at most.
const SILENCES_TO_CLOSE: u32 = 20;
/// The first pause; it doubles while the provider keeps failing.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause that we choose ourselves.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The pause after a throttled answer that names none.
const THROTTLE_PAUSE: Duration = Duration::from_secs(1);

/// Lets messages through to a provider, or holds them back while it fails or asks for a pause.
/// What is held back stays queued, and no attempt is used up on it.
#[derive(Debug, Default)]
pub(super) struct Gate {
    failures: u32,
    silences: u32,
    closings: u32,
    closed_until: Option<Instant>,
}

impl Gate {
    /// When the next message may go through; at once if none.
    pub(super) fn closed_until(&self, now: Instant) -> Option<Instant> {
        self.closed_until.filter(|until| *until > now)
    }

    /// Whether anything that is there may go through.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.closed_until(now).is_none() && !self.is_probing()
    }

    /// Whether the provider has to prove itself with one message before it gets more.
    pub(super) fn is_probing(&self) -> bool {
        self.failures >= FAILURES_TO_CLOSE || self.silences >= SILENCES_TO_CLOSE
    }

    /// Takes note of how an attempt ended; says for how long the gate closes, if it does.
    pub(super) fn note(
        &mut self,
        outcome: AttemptOutcome,
        retry_after: Option<Duration>,
        now: Instant,
    ) -> Option<Duration> {
        let pause = match outcome {
            AttemptOutcome::Throttled => retry_after.unwrap_or(THROTTLE_PAUSE),
            AttemptOutcome::Unauthorized => {
                self.failures = self.failures.max(FAILURES_TO_CLOSE);
                if self.closed_until(now).is_some() {
                    return None;
                }
                self.next_pause()
            }
            AttemptOutcome::Unavailable => {
                self.failures = self.failures.saturating_add(1);
                self.pause_of_failure(now).max(retry_after)?
            }
            AttemptOutcome::Unknown => {
                self.silences = self.silences.saturating_add(1);
                self.pause_of_failure(now)?
            }
            AttemptOutcome::GivenBack => return None,
            // Only a provider that deals with messages is well. One that refuses them in time, or
            // asks for a pause, may still lose those that it takes.
            AttemptOutcome::Accepted | AttemptOutcome::Duplicate | AttemptOutcome::Rejected => {
                self.failures = 0;
                self.silences = 0;
                self.closings = 0;
                return None;
            }
        };
        let pause = pause.min(LONGEST_WISH);
        let until = now + pause;
        let longer = self.closed_until(now).is_none_or(|present| until > present);
        longer.then(|| {
            self.closed_until = Some(until);
            pause
        })
    }

    /// What was under way when the gate closed fails too; that is one failure.
    fn pause_of_failure(&mut self, now: Instant) -> Option<Duration> {
        let fresh = self.is_probing() && self.closed_until(now).is_none();
        fresh.then(|| self.next_pause())
    }

    fn next_pause(&mut self) -> Duration {
        let pause = FIRST_PAUSE.saturating_mul(1u32.checked_shl(self.closings).unwrap_or(u32::MAX));
        self.closings = self.closings.saturating_add(1);
        pause.min(LONGEST_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(gate: &mut Gate, times: u32) -> Option<Duration> {
        (0..times).fold(None, |_, _| {
            gate.note(AttemptOutcome::Unavailable, None, Instant::now())
        })
    }

    #[tokio::test(start_paused = true)]
    async fn it_closes_after_failures_in_a_row_and_for_longer_each_time() {
        let mut gate = Gate::default();
        assert_eq!(fail(&mut gate, 4), None);
        assert_eq!(fail(&mut gate, 1), Some(FIRST_PAUSE));
        assert!(gate.closed_until(Instant::now()).is_some());
        tokio::time::advance(FIRST_PAUSE).await;
        assert_eq!(gate.closed_until(Instant::now()), None);
        assert!(gate.is_probing());
        assert_eq!(fail(&mut gate, 1), Some(FIRST_PAUSE * 2));
    }

    #[tokio::test(start_paused = true)]
    async fn one_success_opens_it() {
        let mut gate = Gate::default();
        fail(&mut gate, 5);
        gate.note(AttemptOutcome::Accepted, None, Instant::now());
        assert!(!gate.is_probing());
        assert_eq!(fail(&mut gate, 4), None);
    }

    fn say_nothing(gate: &mut Gate, times: u32) -> Option<Duration> {
        (0..times).fold(None, |_, _| {
            gate.note(AttemptOutcome::Unknown, None, Instant::now())
        })
    }

    #[tokio::test(start_paused = true)]
    async fn it_closes_after_silences_in_a_row_and_lets_one_message_probe() {
        let mut gate = Gate::default();
        assert_eq!(say_nothing(&mut gate, SILENCES_TO_CLOSE - 1), None);
        assert_eq!(say_nothing(&mut gate, 1), Some(FIRST_PAUSE));
        assert_eq!(say_nothing(&mut gate, 44), None, "the rest of the round");
        tokio::time::advance(FIRST_PAUSE).await;
        assert!(gate.is_probing());
        assert_eq!(say_nothing(&mut gate, 1), Some(FIRST_PAUSE * 2));
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_provider_that_deals_with_messages_breaks_a_row_of_silences() {
        use AttemptOutcome::{Accepted, Duplicate, GivenBack, Rejected, Throttled, Unavailable};
        for (outcome, breaks) in [
            (Accepted, true),
            (Duplicate, true),
            (Rejected, true),
            (Throttled, false),
            (Unavailable, false),
            (GivenBack, false),
        ] {
            let mut gate = Gate::default();
            say_nothing(&mut gate, SILENCES_TO_CLOSE - 1);
            gate.note(outcome, None, Instant::now());
            tokio::time::advance(THROTTLE_PAUSE).await;
            let closes = say_nothing(&mut gate, 1).is_some();
            assert_eq!(closes, !breaks, "{outcome:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_keeps_the_pause_that_the_provider_asks_for() {
        let mut gate = Gate::default();
        let wish = Duration::from_secs(120);
        let pause = gate.note(AttemptOutcome::Throttled, Some(wish), Instant::now());
        assert_eq!(pause, Some(wish));
        let shorter = gate.note(AttemptOutcome::Throttled, None, Instant::now());
        assert_eq!(shorter, None, "a shorter pause does not open it earlier");
    }
}
