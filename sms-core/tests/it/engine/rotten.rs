//! A store in which messages have rotted.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use sms_core::{
    Change, Committed, Inserted, ListFilter, MemoryStore, Message, MessageId, Page, PageToken,
    ParkedReport, ReportKey, StateCounts, Store, StoreError, StoreErrorKind, Timestamp,
};

/// What cannot be done with a rotten message, nor with others in the same call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Rots {
    /// To load it.
    Reading,
    /// To insert or change it: nothing of such a call is written.
    Writing,
    /// The same, but this turns out after everything was written.
    WritingTooLate,
    /// To list it.
    Listing,
    /// To look for any report that is parked.
    Parked,
}

#[derive(Debug, Clone)]
pub(super) struct Rotten {
    store: Arc<MemoryStore>,
    rots: Rots,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    rotten: BTreeSet<MessageId>,
    failures_left: usize,
}

type Answer<T> = Result<T, StoreError>;

impl Rotten {
    pub(super) fn new(
        store: &Arc<MemoryStore>,
        rots: Rots,
        rotten: impl IntoIterator<Item = MessageId>,
    ) -> Self {
        let state = State {
            rotten: rotten.into_iter().collect(),
            failures_left: usize::MAX,
        };
        Self {
            store: store.clone(),
            rots,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// One more.
    pub(super) fn rot(&self, id: MessageId) {
        self.state.lock().unwrap().rotten.insert(id);
    }

    /// After so many failures everything is well again.
    pub(super) fn heals_after(&self, failures: usize) {
        self.state.lock().unwrap().failures_left = failures;
    }

    /// How often it has failed.
    pub(super) fn failures(&self) -> usize {
        usize::MAX - self.state.lock().unwrap().failures_left
    }

    fn fail_if(&self, rots: bool, mut ids: impl Iterator<Item = MessageId>) -> Answer<()> {
        let mut state = self.state.lock().unwrap();
        if !rots || state.failures_left == 0 || !ids.any(|id| state.rotten.contains(&id)) {
            return Ok(());
        }
        state.failures_left -= 1;
        Err(StoreError::new(StoreErrorKind::Corrupt, "read a message"))
    }

    fn writing(&self, ids: &[MessageId]) -> Answer<()> {
        self.fail_if(self.rots == Rots::Writing, ids.iter().copied())
    }

    fn written(&self, ids: &[MessageId]) -> Answer<()> {
        self.fail_if(self.rots == Rots::WritingTooLate, ids.iter().copied())
    }
}

#[async_trait]
impl Store for Rotten {
    async fn load(&self, ids: &[MessageId]) -> Answer<Vec<Option<Message>>> {
        self.fail_if(self.rots == Rots::Reading, ids.iter().copied())?;
        self.store.load(ids).await
    }

    async fn insert(&self, messages: Vec<Message>) -> Answer<Vec<Inserted>> {
        let ids: Vec<MessageId> = messages.iter().map(Message::id).collect();
        self.writing(&ids)?;
        let inserted = self.store.insert(messages).await?;
        self.written(&ids)?;
        Ok(inserted)
    }

    async fn commit(&self, changes: Vec<Change>) -> Answer<Vec<Committed>> {
        let ids: Vec<MessageId> = changes.iter().map(|one| one.before.id()).collect();
        self.writing(&ids)?;
        let committed = self.store.commit(changes).await?;
        self.written(&ids)?;
        Ok(committed)
    }

    async fn find(&self, keys: &[ReportKey]) -> Answer<Vec<Option<MessageId>>> {
        self.store.find(keys).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Answer<Vec<MessageId>> {
        self.store.due(now, limit).await
    }

    async fn next_deadline(&self) -> Answer<Option<Timestamp>> {
        self.store.next_deadline().await
    }

    async fn park(&self, reports: Vec<ParkedReport>) -> Answer<()> {
        self.store.park(reports).await
    }

    async fn parked(&self, keys: &[ReportKey]) -> Answer<Vec<ParkedReport>> {
        self.store.parked(keys).await
    }

    async fn parked_due(&self, now: Timestamp, limit: usize) -> Answer<Vec<ParkedReport>> {
        if self.rots == Rots::Parked {
            return Err(StoreError::new(StoreErrorKind::Corrupt, "read a report"));
        }
        self.store.parked_due(now, limit).await
    }

    async fn unpark(&self, reports: Vec<ParkedReport>) -> Answer<()> {
        self.store.unpark(reports).await
    }

    async fn list(
        &self,
        filter: &ListFilter,
        after: Option<&PageToken>,
        size: usize,
    ) -> Answer<Page> {
        let page = self.store.list(filter, after, size).await?;
        let ids = page.messages.iter().map(Message::id);
        self.fail_if(self.rots == Rots::Listing, ids)?;
        Ok(page)
    }

    async fn count(&self) -> Answer<StateCounts> {
        self.store.count().await
    }

    async fn remove_finished(&self, before: Timestamp, limit: usize) -> Answer<usize> {
        self.store.remove_finished(before, limit).await
    }
}
