//! The one true store of a run: it holds every write against the laws.

use std::sync::Arc;

use async_trait::async_trait;
use sms_core::{
    Change, Committed, Inserted, ListFilter, MemoryStore, Message, MessageId, Page, PageToken,
    ParkedReport, ReportKey, State, StateCounts, Store, StoreError, Timestamp,
};

use crate::books::Books;

#[derive(Debug)]
pub(crate) struct LawfulStore {
    store: Arc<MemoryStore>,
    books: Arc<Books>,
    /// The planted bug of a store that does not compare before it sets.
    overwrites: bool,
}

impl LawfulStore {
    pub(crate) fn new(store: Arc<MemoryStore>, books: Arc<Books>, overwrites: bool) -> Self {
        Self {
            store,
            books,
            overwrites,
        }
    }

    fn check_commit(&self, before: &Message, change: &Change) {
        let (from, to) = (before.progress.state, change.after.state);
        let id = before.id();
        if from != to {
            self.books.tell(format!("{id} {from} -> {to}"));
            self.books.meet_transition(from, to);
        }
        if from != to && !may_follow(from, to) {
            self.books
                .violation(format!("{id}: went from {from} to {to}"));
        }
        if change.after.deadline.is_some() == to.is_final() {
            let deadline = change.after.deadline;
            self.books
                .violation(format!("{id}: {to} with the deadline {deadline:?}"));
        }
        if change.after.reports.len() < before.progress.reports.len() {
            self.books.violation(format!("{id}: lost a report"));
        }
    }
}

/// The ways of `docs/states.md`.
fn may_follow(from: State, to: State) -> bool {
    use State::{
        Canceled, Delivered, Expired, Failed, Queued, Rejected, Scheduled, Sending, Sent,
        Unconfirmed, Undelivered, Unknown,
    };
    match from {
        Scheduled => matches!(to, Queued | Canceled | Expired),
        Queued => !matches!(to, Scheduled),
        Sending => !matches!(to, Scheduled),
        Unconfirmed => !matches!(to, Scheduled | Sending),
        Sent => matches!(to, Delivered | Undelivered | Unknown),
        Unknown => matches!(to, Delivered | Undelivered),
        Delivered | Undelivered | Rejected | Failed | Expired | Canceled => false,
    }
}

#[async_trait]
impl Store for LawfulStore {
    async fn insert(&self, messages: Vec<Message>) -> Result<Vec<Inserted>, StoreError> {
        self.store.insert(messages).await
    }

    async fn load(&self, ids: &[MessageId]) -> Result<Vec<Option<Message>>, StoreError> {
        self.store.load(ids).await
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, StoreError> {
        let mut results = Vec::new();
        for mut change in changes {
            let current = self.store.load(&[change.before.id()]).await?.remove(0);
            if let Some(current) = &current {
                if self.overwrites {
                    change.after.version = current.progress.version + 1;
                    change.before = current.clone();
                }
                if current.progress.version == change.before.progress.version {
                    self.check_commit(current, &change);
                }
            }
            results.extend(self.store.commit(vec![change]).await?);
        }
        Ok(results)
    }

    async fn find(&self, keys: &[ReportKey]) -> Result<Vec<Option<MessageId>>, StoreError> {
        self.store.find(keys).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<MessageId>, StoreError> {
        self.store.due(now, limit).await
    }

    async fn next_deadline(&self) -> Result<Option<Timestamp>, StoreError> {
        self.store.next_deadline().await
    }

    async fn park(&self, reports: Vec<ParkedReport>) -> Result<(), StoreError> {
        self.store.park(reports).await
    }

    async fn parked(&self, keys: &[ReportKey]) -> Result<Vec<ParkedReport>, StoreError> {
        self.store.parked(keys).await
    }

    async fn parked_due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<ParkedReport>, StoreError> {
        self.store.parked_due(now, limit).await
    }

    async fn unpark(&self, reports: Vec<ParkedReport>) -> Result<(), StoreError> {
        self.store.unpark(reports).await
    }

    async fn list(
        &self,
        filter: &ListFilter,
        after: Option<&PageToken>,
        size: usize,
    ) -> Result<Page, StoreError> {
        self.store.list(filter, after, size).await
    }

    async fn count(&self) -> Result<StateCounts, StoreError> {
        self.store.count().await
    }

    async fn remove_finished(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.store.remove_finished(before, limit).await
    }
}
