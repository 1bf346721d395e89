//! What the threads know of the file without looking.

use std::sync::atomic::{AtomicI64, Ordering};

use sms_core::Timestamp;

/// How often the log tells of the same trouble, in milliseconds: it is met several times a second.
const TELL_EVERY_MILLIS: i64 = 60_000;

/// Facts about what is committed, kept by the thread that writes.
#[derive(Debug)]
pub(crate) struct Shared {
    parked: AtomicI64,
    /// Before this time, in milliseconds, nothing is told of reports that cannot be read.
    silent_until: AtomicI64,
}

impl Shared {
    pub(crate) fn new(parked: i64) -> Self {
        Self {
            parked: AtomicI64::new(parked),
            silent_until: AtomicI64::new(i64::MIN),
        }
    }

    pub(crate) fn add_parked(&self, more: i64) {
        if more != 0 {
            self.parked.fetch_add(more, Ordering::AcqRel);
        }
    }

    /// Whether any report is parked. The engine asks for every message that is taken, and nearly
    /// always there is none.
    pub(crate) fn any_parked(&self) -> bool {
        self.parked.load(Ordering::Acquire) > 0
    }

    /// Tells of parked reports that were passed over because they cannot be read.
    pub(crate) fn tell_unreadable(&self, reports: usize, now: Timestamp) {
        let now = now.as_millis();
        if reports > 0 && self.silent_until.load(Ordering::Relaxed) <= now {
            let until = now.saturating_add(TELL_EVERY_MILLIS);
            self.silent_until.store(until, Ordering::Relaxed);
            tracing::error!(reports, "parked reports cannot be read and are passed over");
        }
    }
}
