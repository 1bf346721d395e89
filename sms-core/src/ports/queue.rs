//! The port to the queue.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{MessageId, Priority, ProviderName};

/// Tells workers that messages wait. Everything it says is a hint: the store has the truth, so a
/// hint may be lost, come twice, or come late, and does no harm.
///
/// Hints are kept apart by route, so that one slow provider does not hold up another.
///
/// # Contract
/// - More urgent hints of a route are leased first, but none waits for ever behind them.
/// - A task that was leased and not acknowledged comes again once its consumer is gone; it need
///   not come again while the consumer lives.
/// - The queue knows no delays: what is to happen later is a deadline in the store.
#[async_trait]
pub trait Queue: Send + Sync + fmt::Debug {
    /// Adds hints.
    ///
    /// # Contract
    /// `Ok` means that the hints have reached the queue, as durable as the queue is.
    ///
    /// # Errors
    /// [`QueueError`]: some or all hints may be missing. The caller need not repeat the call:
    /// the deadlines of the messages bring them back.
    async fn push(&self, hints: Vec<Hint>) -> Result<(), QueueError>;

    /// Waits until the route has work, then takes tasks that name about `most` messages
    /// together: at least one task, and no further one once `most` is reached.
    ///
    /// # Contract
    /// Safe to drop while it waits: a task is not lost by that beyond what a hint may be.
    ///
    /// # Errors
    /// [`QueueError`]: nothing was taken.
    async fn lease(&self, route: &ProviderName, most: usize) -> Result<Vec<Task>, QueueError>;

    /// Tells the queue that tasks are done with. Unknown receipts are passed over.
    ///
    /// # Errors
    /// [`QueueError`]: the tasks may come again.
    async fn acknowledge(&self, receipts: Vec<Receipt>) -> Result<(), QueueError>;
}

/// Messages that wait for a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The provider that is to take them.
    pub route: ProviderName,
    /// How urgent they are.
    pub priority: Priority,
    /// Which.
    pub ids: Vec<MessageId>,
}

/// Work taken from the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The messages that wait.
    pub ids: Vec<MessageId>,
    /// What to acknowledge it by.
    pub receipt: Receipt,
}

/// Names a leased task to the queue that it came from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Receipt(pub u128);

/// A call to the queue failed: it cannot be reached or did not answer in time.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the queue could not {doing}")]
pub struct QueueError {
    doing: &'static str,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl QueueError {
    /// An error; `doing` completes "the queue could not …".
    #[must_use]
    pub fn new(doing: &'static str) -> Self {
        Self {
            doing,
            source: None,
        }
    }

    /// The same with the error that caused it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }
}
