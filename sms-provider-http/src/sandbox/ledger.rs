//! What the sandbox remembers.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// What the sandbox knows of one message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Record {
    /// How often it was submitted.
    pub requests: u64,
    /// How often it was taken. A sandbox that de-duplicates takes it once.
    pub takings: u64,
    /// How often it was submitted with other bytes than at first: a provider that de-duplicates
    /// may then take it again, or refuse it.
    pub changes: u64,
    /// How many reports were posted and taken.
    pub reports: u64,
    body: u64,
}

/// What the sandbox has done since it was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Connections that were opened to it.
    pub connections: u64,
    /// Requests that held a message.
    pub requests: u64,
    /// Messages taken; one that was taken twice counts twice.
    pub takings: u64,
    /// Reports that were posted and taken.
    pub reports: u64,
    /// Reports that nobody took, after several tries.
    pub reports_lost: u64,
}

/// The records of the latest messages, and the totals of all.
#[derive(Debug)]
pub(super) struct Ledger {
    records: HashMap<String, Record>,
    order: VecDeque<String>,
    remember: usize,
    totals: Totals,
}

impl Ledger {
    pub(super) fn new(remember: usize) -> Self {
        Self {
            records: HashMap::new(),
            order: VecDeque::new(),
            remember: remember.max(1),
            totals: Totals::default(),
        }
    }

    pub(super) fn record(&self, reference: &str) -> Option<Record> {
        self.records.get(reference).copied()
    }

    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    pub(super) fn connected(&mut self) {
        self.totals.connections += 1;
    }

    /// Notes a request and says what is known of its message now.
    pub(super) fn requested(&mut self, reference: &str, body: &[u8]) -> Record {
        self.totals.requests += 1;
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let hash = hasher.finish();
        let record = self.entry(reference);
        record.requests += 1;
        if record.requests == 1 {
            record.body = hash;
        } else if record.body != hash {
            record.changes += 1;
        }
        *record
    }

    pub(super) fn took(&mut self, reference: &str) {
        self.totals.takings += 1;
        self.entry(reference).takings += 1;
    }

    pub(super) fn reported(&mut self, reference: &str, taken: bool) {
        if taken {
            self.totals.reports += 1;
            if let Some(record) = self.records.get_mut(reference) {
                record.reports += 1;
            }
        } else {
            self.totals.reports_lost += 1;
        }
    }

    fn entry(&mut self, reference: &str) -> &mut Record {
        if !self.records.contains_key(reference) {
            if self.order.len() >= self.remember
                && let Some(oldest) = self.order.pop_front()
            {
                self.records.remove(&oldest);
            }
            self.order.push_back(reference.to_owned());
        }
        self.records.entry(reference.to_owned()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_message_is_forgotten_first() {
        let mut ledger = Ledger::new(2);
        for reference in ["a", "b", "a", "c"] {
            ledger.requested(reference, b"x");
        }
        assert_eq!(ledger.record("a"), None);
        assert_eq!(ledger.record("b").map(|record| record.requests), Some(1));
        assert_eq!(ledger.totals().requests, 4);
        assert_eq!((ledger.records.len(), ledger.order.len()), (2, 2));
    }
}
