//! What the threads know of the file without looking.

use std::sync::atomic::{AtomicI64, Ordering};

/// Facts about what is committed, kept by the thread that writes.
#[derive(Debug)]
pub(crate) struct Shared {
    parked: AtomicI64,
}

impl Shared {
    pub(crate) fn new(parked: i64) -> Self {
        Self {
            parked: AtomicI64::new(parked),
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
}
