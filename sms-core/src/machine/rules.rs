//! The settings that decisions are made by.

use std::collections::HashMap;
use std::time::Duration;

use crate::{ProviderName, RetrySchedule, Timestamp};

/// The settings that decisions are made by.
#[derive(Debug, Clone)]
pub struct Rules {
    /// When to try again.
    pub retry: RetrySchedule,
    /// How long an unknown outcome may be settled by a report before a message's policy to
    /// submit again or to give up takes effect.
    pub confirm_window: Duration,
    /// The shortest time after which a queued message that nobody claimed is hinted again.
    pub rehint_floor: Duration,
    /// The longest such time.
    pub rehint_cap: Duration,
    /// What differs between providers.
    pub providers: HashMap<ProviderName, ProviderRules>,
}

/// What differs between providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderRules {
    /// Whether it takes a message once however often the same reference is submitted.
    pub deduplicates: bool,
    /// Whether it can be asked what became of a message.
    pub answers_queries: bool,
    /// How long after it took a message its report may come.
    pub report_window: Duration,
}

/// The shortest pause between two status queries of one message; it doubles each time.
pub(super) const FIRST_QUERY_AFTER: Duration = Duration::from_secs(15);

/// The longest that a provider may ask to wait: an hour. It will be asked again then, and may
/// repeat its wish; a wish of a day, meant or not, would end most messages unsent.
pub(crate) const LONGEST_WISH: Duration = Duration::from_secs(3_600);

impl Default for ProviderRules {
    /// Reports within 24 hours, as the older service's provider promised; nothing else assumed.
    fn default() -> Self {
        Self {
            deduplicates: false,
            answers_queries: false,
            report_window: Duration::from_secs(24 * 3_600),
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            retry: RetrySchedule::default(),
            confirm_window: Duration::from_secs(30),
            rehint_floor: Duration::from_secs(5),
            rehint_cap: Duration::from_secs(3_600),
            providers: HashMap::new(),
        }
    }
}

impl Rules {
    /// What holds for a provider; for one that is no longer configured, nothing is assumed.
    pub(super) fn provider(&self, name: &ProviderName) -> ProviderRules {
        self.providers.get(name).copied().unwrap_or_default()
    }

    /// When a queued message is hinted again if nobody claims it: after four times the wait that
    /// is to be expected, so that a long backlog is not hinted again and again.
    #[must_use]
    pub fn rehint_at(&self, now: Timestamp, expected_wait: Duration) -> Timestamp {
        let wait = expected_wait.saturating_mul(4);
        now + wait.clamp(self.rehint_floor, self.rehint_cap)
    }
}
