//! Telling the outside what the engine does, for metrics and logs.

use std::fmt;
use std::time::Duration;

use crate::{Attempt, Message, ProviderName, ReportStatus, State};

/// Is told what the engine does. Called on hot paths: it should count and return.
pub trait Observer: Send + Sync + fmt::Debug {
    /// Something happened.
    fn observe(&self, observation: &Observation<'_>);
}

/// What an engine tells its observer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Observation<'a> {
    /// A message was accepted.
    Accepted {
        /// The message.
        message: &'a Message,
        /// Whether it had been accepted before, under the same idempotency key.
        replayed: bool,
    },
    /// A message changed its state.
    Changed {
        /// Its state before.
        before: State,
        /// The message after.
        message: &'a Message,
    },
    /// A provider answered a submission, or the engine stopped waiting for it.
    AttemptEnded {
        /// The message after the answer was kept.
        message: &'a Message,
        /// The attempt.
        attempt: &'a Attempt,
        /// How long the provider took.
        took: Duration,
    },
    /// A report came.
    Reported {
        /// Who sent it.
        provider: &'a ProviderName,
        /// What it says.
        status: ReportStatus,
        /// Whether its message is not known yet.
        parked: bool,
    },
    /// Hints did not reach the queue. They are offered to it again until it takes them; if this
    /// process ends before that, their messages go out when their deadlines pass.
    HintsLost {
        /// How many messages they named.
        messages: usize,
    },
    /// Hints were given up, because too many wait for the queue, over a panic of the queue, or
    /// with the engine. Their messages go out when their deadlines pass.
    HintsDropped {
        /// How many messages they named.
        messages: usize,
    },
    /// A provider gets nothing for a while, by its own wish or because it fails.
    Held {
        /// The provider.
        provider: &'a ProviderName,
        /// For how long.
        pause: Duration,
    },
}

/// Looks away.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn observe(&self, _observation: &Observation<'_>) {}
}
