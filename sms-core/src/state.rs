//! The states of a message.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a message is in its life. `docs/states.md` draws the ways between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for the time at which its sender wants it sent.
    Scheduled,
    /// Waits for a worker, or for the delay before the next attempt.
    Queued,
    /// A worker holds it and may be speaking to the provider.
    Sending,
    /// An attempt ended without word: the provider may or may not have taken it.
    Unconfirmed,
    /// The provider took it; its report is awaited.
    Sent,
    /// Final: a report says that it reached the recipient.
    Delivered,
    /// Final: a report says that it did not and will not.
    Undelivered,
    /// Final: the provider refused it for good.
    Rejected,
    /// Final: the provider could not be brought to take it.
    Failed,
    /// Final: its validity ended before the provider took it.
    Expired,
    /// Final: its sender took it back before it was sent.
    Canceled,
    /// Final as far as we can tell: nobody said what became of it. A later report may still
    /// settle it, once.
    Unknown,
}

impl State {
    /// Every state, in the order of a message's life.
    pub const ALL: [Self; 12] = [
        Self::Scheduled,
        Self::Queued,
        Self::Sending,
        Self::Unconfirmed,
        Self::Sent,
        Self::Delivered,
        Self::Undelivered,
        Self::Rejected,
        Self::Failed,
        Self::Expired,
        Self::Canceled,
        Self::Unknown,
    ];

    /// Whether nothing more is going to happen to the message by our own doing.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(
            self,
            Self::Scheduled | Self::Queued | Self::Sending | Self::Unconfirmed | Self::Sent
        )
    }

    /// The state's name, as stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Unconfirmed => "unconfirmed",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Canceled => "canceled",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text names no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no such state: expected one of scheduled, queued, sending, unconfirmed, sent, delivered, undelivered, rejected, failed, expired, canceled, unknown"
)]
pub struct StateError;

impl FromStr for State {
    type Err = StateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(StateError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_state() {
        for state in State::ALL {
            assert_eq!(state.to_string().parse(), Ok(state));
        }
        assert_eq!("gone".parse::<State>(), Err(StateError));
    }
}
