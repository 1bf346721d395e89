//! The provider's own notes of what it was asked and what it took.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::manner::{Desk, Manner};

/// One call of a gateway.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Since the ledger was opened.
    pub(super) at: Duration,
    pub(super) desk: Desk,
    /// What the gateway calls the message.
    pub(super) reference: String,
    /// Stands for the bytes of the request.
    pub(super) body: u64,
    pub(super) manner: Manner,
    /// When the message was taken by this call. Not set where it had been taken before by a desk
    /// that takes once.
    pub(super) taken: Option<Duration>,
}

/// One report that was posted, over and over until it was acknowledged.
#[derive(Clone, Debug)]
pub(super) struct Posted {
    pub(super) reference: String,
    /// The id under which the provider took the message.
    pub(super) provider_id: String,
    /// Whether it names the message by that id alone.
    pub(super) by_provider_id: bool,
    /// None for one that says that the message is under way.
    pub(super) delivered: Option<bool>,
    pub(super) acknowledged: Option<Duration>,
    /// Answers by which a provider would be told not to come again.
    pub(super) refusals: Vec<u16>,
}

#[derive(Debug)]
struct Notes {
    calls: Vec<Call>,
    reports: Vec<Posted>,
    /// Calls so far, by desk and reference.
    counts: HashMap<(Desk, String), u64>,
    /// What the once desk has taken, with the id it gave.
    once: HashMap<String, String>,
}

/// Shared by all connections of the provider.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    opened: Instant,
    notes: Arc<Mutex<Notes>>,
}

/// What taking came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) provider_id: String,
    /// It was taken before, and not again.
    pub(super) repeated: bool,
}

impl Ledger {
    pub(super) fn open() -> Self {
        let notes = Notes {
            calls: Vec::new(),
            reports: Vec::new(),
            counts: HashMap::new(),
            once: HashMap::new(),
        };
        Self {
            opened: Instant::now(),
            notes: Arc::new(Mutex::new(notes)),
        }
    }

    /// Time since it was opened.
    pub(super) fn now(&self) -> Duration {
        self.opened.elapsed()
    }

    /// Which call of its message the next one is, from 0.
    pub(super) fn count(&self, desk: Desk, reference: &str) -> u64 {
        let mut notes = self.lock();
        let count = notes
            .counts
            .entry((desk, reference.to_owned()))
            .or_default();
        *count += 1;
        *count - 1
    }

    /// Notes a call; says under which entry.
    pub(super) fn note(&self, call: Call) -> usize {
        let mut notes = self.lock();
        notes.calls.push(call);
        notes.calls.len() - 1
    }

    /// The message of an entry is taken now.
    pub(super) fn take(&self, entry: usize) -> Taken {
        let now = self.now();
        let mut notes = self.lock();
        let Call {
            desk, reference, ..
        } = notes.calls[entry].clone();
        if desk == Desk::Once
            && let Some(provider_id) = notes.once.get(&reference)
        {
            return Taken {
                provider_id: provider_id.clone(),
                repeated: true,
            };
        }
        let provider_id = match desk {
            Desk::Once => reference.clone(),
            Desk::Plain => format!("plain-{entry}"),
        };
        if desk == Desk::Once {
            notes.once.insert(reference, provider_id.clone());
        }
        notes.calls[entry].taken = Some(now);
        Taken {
            provider_id,
            repeated: false,
        }
    }

    /// A report is going to be posted; says under which entry.
    pub(super) fn promise(&self, report: Posted) -> usize {
        let mut notes = self.lock();
        notes.reports.push(report);
        notes.reports.len() - 1
    }

    /// A report was answered.
    pub(super) fn answered(&self, entry: usize, status: u16) {
        let now = self.now();
        let report = &mut self.lock().reports[entry];
        match status {
            200..=299 => report.acknowledged = Some(now),
            400..=499 => report.refusals.push(status),
            _ => {}
        }
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    pub(super) fn call_count(&self) -> usize {
        self.lock().calls.len()
    }

    pub(super) fn reports(&self) -> Vec<Posted> {
        self.lock().reports.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(ledger: &Ledger, desk: Desk) -> usize {
        ledger.note(Call {
            at: Duration::ZERO,
            desk,
            reference: "r".to_owned(),
            body: 0,
            manner: Manner::Takes,
            taken: None,
        })
    }

    #[tokio::test]
    async fn the_once_desk_takes_a_reference_once_and_gives_the_same_id() {
        let ledger = Ledger::open();
        let first = ledger.take(call(&ledger, Desk::Once));
        let second = ledger.take(call(&ledger, Desk::Once));
        assert_eq!((first.repeated, second.repeated), (false, true));
        assert_eq!(first.provider_id, second.provider_id);
        let taken = ledger
            .calls()
            .iter()
            .filter(|call| call.taken.is_some())
            .count();
        assert_eq!(taken, 1);
    }

    #[tokio::test]
    async fn the_plain_desk_takes_it_twice_under_two_ids() {
        let ledger = Ledger::open();
        let first = ledger.take(call(&ledger, Desk::Plain));
        let second = ledger.take(call(&ledger, Desk::Plain));
        assert_ne!(first.provider_id, second.provider_id);
        assert!(ledger.calls().iter().all(|call| call.taken.is_some()));
    }
}
