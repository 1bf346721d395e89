//! Messages whose deadline has passed and cannot be acted on, because they cannot be read.
//!
//! They stay the longest overdue for ever. Asked for again and again they would take the place of
//! all others, and the time of the sweep.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::MessageId;

/// How long such a message is left alone. Whoever repairs it sees it go on within that time.
const LEFT_ALONE: Duration = Duration::from_secs(60);
/// How many are remembered: some hundred kilobytes. A store in which so many cannot be read has a
/// worse problem.
const MOST: usize = 10_000;

/// Those that are left alone for a while.
#[derive(Debug, Default)]
pub(super) struct SetAside {
    until: HashMap<MessageId, Instant>,
}

impl SetAside {
    /// How many are left alone now.
    pub(super) fn count(&mut self, now: Instant) -> usize {
        self.until.retain(|_, until| *until > now);
        self.until.len()
    }

    pub(super) fn has(&self, id: MessageId) -> bool {
        self.until.contains_key(&id)
    }

    pub(super) fn add(&mut self, id: MessageId, now: Instant) {
        if self.until.len() < MOST {
            self.until.insert(id, now + LEFT_ALONE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SystemEntropy, Timestamp};

    fn id() -> MessageId {
        MessageId::generate(Timestamp::from_millis(1), &SystemEntropy)
    }

    #[tokio::test(start_paused = true)]
    async fn each_has_its_turn_again_after_a_while() {
        let mut aside = SetAside::default();
        let (first, second, start) = (id(), id(), Instant::now());
        aside.add(first, start);
        aside.add(second, start + LEFT_ALONE / 2);
        assert_eq!(aside.count(start + LEFT_ALONE / 2), 2);
        assert_eq!(aside.count(start + LEFT_ALONE), 1);
        assert!(!aside.has(first) && aside.has(second));
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded() {
        let mut aside = SetAside::default();
        for _ in 0..=MOST {
            aside.add(id(), Instant::now());
        }
        assert_eq!(aside.count(Instant::now()), MOST);
    }
}
