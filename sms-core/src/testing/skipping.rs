//! Time that can be put forward.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::{Clock, SystemClock, Timestamp};

/// The operating system's clock, put forward on demand: for tests in real time that cannot wait
/// for a lease or a day to end.
#[derive(Debug, Default)]
pub struct SkippingClock {
    skipped_ms: AtomicU64,
}

impl SkippingClock {
    /// A clock that shows the time of the day.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts it forward.
    pub fn skip(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.skipped_ms.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for SkippingClock {
    fn now(&self) -> Timestamp {
        SystemClock.now() + Duration::from_millis(self.skipped_ms.load(Ordering::SeqCst))
    }
}
