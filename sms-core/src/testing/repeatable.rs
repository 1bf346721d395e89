//! Time and randomness that a test can repeat.

use std::sync::{Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::Instant;

use crate::{Clock, Entropy, Timestamp};

/// A clock that runs with tokio's: it stands still and jumps where tokio's time is paused.
#[derive(Debug, Clone, Copy)]
pub struct TokioClock {
    start: Instant,
    base: Timestamp,
}

impl TokioClock {
    /// A clock that shows `base` now.
    #[must_use]
    pub fn starting_at(base: Timestamp) -> Self {
        Self {
            start: Instant::now(),
            base,
        }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        self.base + self.start.elapsed()
    }
}

/// Random bits that a seed determines.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<StdRng>);

impl SeededEntropy {
    /// The bits of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn next_u64(&self) -> u64 {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .random()
    }
}
