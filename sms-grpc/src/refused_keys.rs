//! Calls that were refused for their API key: counted always, told now and then.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

/// The log is told at most this often: anybody can make such calls, as many as they like.
const SAY_AGAIN: Duration = Duration::from_secs(10);

/// How many calls were refused because they showed no API key, or none that is known. Cheap to
/// clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct RefusedKeys(Arc<Tally>);

#[derive(Debug, Default)]
struct Tally {
    count: AtomicU64,
    told: Mutex<Option<Told>>,
}

/// When the log was told last, and how many there were then.
#[derive(Debug, Clone, Copy)]
struct Told {
    at: Instant,
    count: u64,
}

impl RefusedKeys {
    /// How many since the start.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.count.load(Ordering::Relaxed)
    }

    /// One more, from this address.
    pub(crate) fn note(&self, from: Option<IpAddr>, reason: &'static str) {
        if let Some(refused) = self.0.one_more() {
            let from = from.map(tracing::field::display);
            warn!(from, reason, refused, "calls are refused for their API key");
        }
    }
}

impl Tally {
    /// Counts; how many came since the log was told last, if it is time to tell it again.
    fn one_more(&self) -> Option<u64> {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_some_and(|told| told.at.elapsed() < SAY_AGAIN) {
            return None;
        }
        let before = told.map_or(0, |told| told.count);
        *told = Some(Told {
            at: Instant::now(),
            count,
        });
        Some(count.saturating_sub(before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_log_is_told_at_once_and_then_now_and_then() {
        let tally = Tally::default();
        assert_eq!(tally.one_more(), Some(1));
        assert_eq!(tally.one_more(), None);
        tokio::time::advance(SAY_AGAIN / 2).await;
        assert_eq!(tally.one_more(), None);
        tokio::time::advance(SAY_AGAIN / 2).await;
        assert_eq!(tally.one_more(), Some(3));
        assert_eq!(tally.one_more(), None);
    }
}
