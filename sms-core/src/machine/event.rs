//! What can happen to a message.

use std::time::Duration;

use crate::{Answer, ClaimToken, ProviderName, QueryAnswer, Report, State, Timestamp};

/// What can happen to a message. Every event may come twice: the second time changes nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A worker wants to start an attempt.
    Claim {
        /// The provider it is for.
        provider: ProviderName,
        /// Names the claim.
        token: ClaimToken,
        /// Until when the worker answers for the attempt.
        lease_until: Timestamp,
    },
    /// The worker gives a claim back; it has said nothing to the provider.
    GiveBack {
        /// The claim.
        token: ClaimToken,
    },
    /// The provider answered a submission.
    Answered {
        /// The claim under which it was submitted.
        token: ClaimToken,
        /// What it said.
        answer: Answer,
    },
    /// A delivery report came.
    Reported(Report),
    /// The provider answered a status query.
    Queried(QueryAnswer),
    /// Its sender takes it back.
    Cancel,
    /// Its deadline may have passed.
    Deadline {
        /// How long a queued message is to be expected to wait for a worker now.
        expected_wait: Duration,
    },
}

/// Why an event changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unchanged {
    /// The message is not in a state in which the event means anything.
    NotApplicable(State),
    /// The same event was applied before.
    Repeated,
    /// Its time has not come.
    NotDue,
    /// It speaks of an attempt that the message never had.
    NoSuchAttempt,
}
