//! Faults that a test turns on and off by the name of the call.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::faults::{Call, Fault, Faults, Port};

/// Disturbs calls by their name until told otherwise, and counts them.
#[derive(Debug, Default)]
pub struct Switch {
    faults: Mutex<HashMap<Call, Fault>>,
    calls: Mutex<HashMap<Call, usize>>,
}

const STORE_CALLS: [&str; 13] = [
    "insert",
    "load",
    "commit",
    "find",
    "due",
    "next_deadline",
    "park",
    "parked",
    "parked_due",
    "unpark",
    "list",
    "count",
    "remove_finished",
];

impl Switch {
    /// Disturbs every call of this method from now on.
    pub fn set(&self, port: Port, method: &'static str, fault: Fault) {
        lock(&self.faults).insert(Call { port, method }, fault);
    }

    /// Refuses every call to the store from now on.
    pub fn store_down(&self) {
        for method in STORE_CALLS {
            self.set(Port::Store, method, Fault::Refuse);
        }
    }

    /// Lets every call go well from now on.
    pub fn heal(&self) {
        lock(&self.faults).clear();
    }

    /// How many calls of this method there were.
    #[must_use]
    pub fn calls(&self, port: Port, method: &'static str) -> usize {
        let calls = lock(&self.calls);
        calls
            .get(&Call { port, method })
            .copied()
            .unwrap_or_default()
    }
}

impl Faults for Switch {
    fn choose(&self, call: Call) -> Fault {
        *lock(&self.calls).entry(call).or_default() += 1;
        let faults = lock(&self.faults);
        faults.get(&call).copied().unwrap_or(Fault::None)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
