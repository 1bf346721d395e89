//! A store whose calls go wrong on demand.

use std::sync::Arc;

use async_trait::async_trait;

use super::faults::{Call, Fault, Faults, Port, under};
use crate::{
    Change, Committed, Inserted, ListFilter, Message, MessageId, Page, PageToken, ParkedReport,
    ReportKey, StateCounts, Store, StoreError, StoreErrorKind, Timestamp,
};

/// Passes every call on to another store, under the fault that is chosen for it.
#[derive(Debug, Clone)]
pub struct FaultyStore {
    store: Arc<dyn Store>,
    faults: Arc<dyn Faults>,
}

impl FaultyStore {
    /// Decorates a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, faults: Arc<dyn Faults>) -> Self {
        Self { store, faults }
    }

    async fn call<T>(
        &self,
        method: &'static str,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let port = Port::Store;
        let fault = self.faults.choose(Call { port, method });
        under(fault, call, || failed(method)).await
    }
}

fn failed(method: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, method)
}

#[async_trait]
impl Store for FaultyStore {
    fn parts(&self) -> usize {
        self.store.parts()
    }

    fn part_of(&self, id: MessageId) -> usize {
        self.store.part_of(id)
    }

    async fn insert(&self, messages: Vec<Message>) -> Result<Vec<Inserted>, StoreError> {
        let (port, method) = (Port::Store, "insert");
        let fault = self.faults.choose(Call { port, method });
        let twice = fault == Fault::Double;
        let call = async {
            if twice {
                self.store.insert(messages.clone()).await?;
            }
            self.store.insert(messages).await
        };
        under(fault, call, || failed(method)).await
    }

    async fn load(&self, ids: &[MessageId]) -> Result<Vec<Option<Message>>, StoreError> {
        self.call("load", self.store.load(ids)).await
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, StoreError> {
        self.call("commit", self.store.commit(changes)).await
    }

    async fn find(&self, keys: &[ReportKey]) -> Result<Vec<Option<MessageId>>, StoreError> {
        self.call("find", self.store.find(keys)).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<MessageId>, StoreError> {
        self.call("due", self.store.due(now, limit)).await
    }

    async fn next_deadline(&self) -> Result<Option<Timestamp>, StoreError> {
        self.call("next_deadline", self.store.next_deadline()).await
    }

    async fn park(&self, reports: Vec<ParkedReport>) -> Result<(), StoreError> {
        self.call("park", self.store.park(reports)).await
    }

    async fn parked(&self, keys: &[ReportKey]) -> Result<Vec<ParkedReport>, StoreError> {
        self.call("parked", self.store.parked(keys)).await
    }

    async fn parked_due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<ParkedReport>, StoreError> {
        self.call("parked_due", self.store.parked_due(now, limit))
            .await
    }

    async fn unpark(&self, reports: Vec<ParkedReport>) -> Result<(), StoreError> {
        self.call("unpark", self.store.unpark(reports)).await
    }

    async fn list(
        &self,
        filter: &ListFilter,
        after: Option<&PageToken>,
        size: usize,
    ) -> Result<Page, StoreError> {
        self.call("list", self.store.list(filter, after, size))
            .await
    }

    async fn count(&self) -> Result<StateCounts, StoreError> {
        self.call("count", self.store.count()).await
    }

    async fn remove_finished(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.call("remove_finished", self.store.remove_finished(before, limit))
            .await
    }
}
