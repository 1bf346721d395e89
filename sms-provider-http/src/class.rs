//! What an answer says about a message, in one word.

use std::time::Duration;

use serde::Deserialize;
use sms_core::{Outcome, ProviderId};

/// What became of a submission, in one word: [`Outcome`] without what comes with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Taken.
    Accepted,
    /// Taken at an earlier attempt.
    Duplicate,
    /// Refused for good.
    Rejected,
    /// Surely not taken: too many messages at present.
    Throttled,
    /// Surely not taken: not able at present.
    Unavailable,
    /// Surely not taken: wrong credentials.
    Unauthorized,
    /// Nobody knows.
    #[default]
    Unknown,
}

impl Class {
    /// The outcome, with what comes with it.
    pub(crate) fn outcome(
        self,
        provider_id: Option<ProviderId>,
        retry_after: Option<Duration>,
    ) -> Outcome {
        match self {
            Self::Accepted => Outcome::Accepted { provider_id },
            Self::Duplicate => Outcome::Duplicate { provider_id },
            Self::Rejected => Outcome::Rejected,
            Self::Throttled => Outcome::Throttled { retry_after },
            Self::Unavailable => Outcome::Unavailable { retry_after },
            Self::Unauthorized => Outcome::Unauthorized,
            Self::Unknown => Outcome::Unknown,
        }
    }
}
