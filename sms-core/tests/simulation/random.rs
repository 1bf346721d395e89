//! The dice of a run.

use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Dice that a seed determines; all clones roll the same ones.
#[derive(Debug, Clone)]
pub(crate) struct Dice(Arc<Mutex<StdRng>>);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    pub(crate) fn number(&self, range: Range<u64>) -> u64 {
        self.0.lock().unwrap().random_range(range)
    }

    /// Whether something happens that does so in `percent` of all cases.
    pub(crate) fn chance(&self, percent: u64) -> bool {
        self.number(0..100) < percent
    }

    pub(crate) fn millis(&self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.number(range))
    }

    /// One of the choices, each as likely as its weight.
    pub(crate) fn pick<T: Copy>(&self, choices: &[(u64, T)]) -> T {
        let total = choices.iter().map(|(weight, _)| weight).sum();
        let mut roll = self.number(0..total);
        for (weight, choice) in choices {
            if roll < *weight {
                return *choice;
            }
            roll -= weight;
        }
        unreachable!("the roll is below the sum of the weights")
    }
}
