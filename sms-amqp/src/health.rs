//! What an operator may want to know of the queue.

use std::sync::atomic::{AtomicU64, Ordering};

/// How the queue is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// The connection to the broker.
    pub link: LinkState,
    /// How often the connection was made since the start, the first time included.
    pub connections: u64,
    /// How many consumers had to be started again: their channel was closed, their queue was
    /// deleted, or they got nothing although hints waited. Those that ended with the connection
    /// are not counted.
    pub consumer_restarts: u64,
    /// How many hints could not be read; they are among the dead letters.
    pub undecodable: u64,
    /// How many hints came back because their queue was gone; it was declared again, and they
    /// were pushed again.
    pub returned: u64,
}

impl Health {
    /// Whether hints can be pushed.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.link == LinkState::Up
    }
}

/// The connection to the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkState {
    /// Hints flow.
    Up,
    /// The broker is short of memory or disk: it hands out hints and takes none.
    Blocked {
        /// What it said.
        reason: String,
    },
    /// There is none. It is tried again and again.
    Down {
        /// What went wrong last.
        problem: String,
    },
}

/// What is counted, behind [`Health`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections: Counter,
    pub(crate) consumer_restarts: Counter,
    pub(crate) undecodable: Counter,
    pub(crate) returned: Counter,
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
