//! Notices a consumer that gets nothing although hints wait.

use std::time::Duration;

use tokio::time::Instant;

use crate::topology::Count;

/// What a consumer has seen lately.
///
/// The broker's word alone that hints wait proves nothing: they may be on their way. That they
/// still wait after a while in which none arrived does.
#[derive(Debug)]
pub(crate) struct StallWatch {
    stall_after: Duration,
    waiting_since: Option<Instant>,
}

impl StallWatch {
    pub(crate) fn new(stall_after: Duration) -> Self {
        Self {
            stall_after,
            waiting_since: None,
        }
    }

    /// A hint arrived.
    pub(crate) fn progress(&mut self) {
        self.waiting_since = None;
    }

    /// What the broker counts; `has_room`: it could deliver some of what waits. Whether the
    /// consumer has stalled.
    pub(crate) fn check(&mut self, count: Count, has_room: bool, now: Instant) -> bool {
        if count.waiting == 0 || !has_room {
            self.waiting_since = None;
            return false;
        }
        if count.consumers == 0 {
            // It does not know this one: RabbitMQ 3.10 does not always tell a consumer that its
            // queue was deleted, and by now somebody has declared it again. At times it counts
            // the consumer among those of the new queue, too, and gives it nothing: that only
            // time tells.
            return true;
        }
        let since = *self.waiting_since.get_or_insert(now);
        now.duration_since(since) >= self.stall_after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const NONE: Count = Count {
        waiting: 0,
        consumers: 1,
    };
    const SOME: Count = Count {
        waiting: 9,
        consumers: 1,
    };

    fn watch() -> (StallWatch, Instant) {
        (StallWatch::new(15 * SECOND), Instant::now())
    }

    #[test]
    fn work_that_waits_too_long_is_a_stall() {
        let (mut watch, start) = watch();
        assert!(!watch.check(SOME, true, start));
        assert!(!watch.check(SOME, true, start + 14 * SECOND));
        assert!(watch.check(SOME, true, start + 15 * SECOND));
    }

    #[test]
    fn a_long_idle_time_before_is_no_stall() {
        let (mut watch, start) = watch();
        assert!(!watch.check(NONE, true, start));
        assert!(!watch.check(SOME, true, start + 3_600 * SECOND));
    }

    #[test]
    fn progress_starts_the_count_again() {
        let (mut watch, start) = watch();
        assert!(!watch.check(SOME, true, start));
        watch.progress();
        assert!(!watch.check(SOME, true, start + 15 * SECOND));
    }

    #[test]
    fn a_consumer_with_its_hands_full_has_not_stalled() {
        let (mut watch, start) = watch();
        assert!(!watch.check(SOME, true, start));
        assert!(!watch.check(SOME, false, start + 15 * SECOND));
        assert!(!watch.check(SOME, true, start + 16 * SECOND));
    }

    #[test]
    fn a_consumer_that_the_broker_does_not_know_has_stalled_at_once() {
        let (mut watch, start) = watch();
        let unknown = |waiting| Count {
            waiting,
            consumers: 0,
        };
        assert!(watch.check(unknown(1), true, start));
        // A queue that is busy with itself answers with zeros.
        assert!(!watch.check(unknown(0), true, start));
    }
}
