//! Mocks of the ports (feature `mock`), for tests that expect single calls.
//!
//! Expectations are set on plain methods and answer with plain values:
//!
//! ```
//! use sms_core::mock::MockStore;
//! use sms_core::{StateCounts, Store};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let mut store = MockStore::new();
//! store.expect_count().returning(|| Ok(StateCounts::default()));
//! assert_eq!(Store::count(&store).await.unwrap().total(), 0);
//! # }
//! ```

#![allow(
    missing_docs,
    reason = "what mockall makes has the names that it gives"
)]

use std::fmt;

use async_trait::async_trait;

use crate::{
    Answer, Capabilities, Change, Committed, Hint, Inserted, ListFilter, Message, MessageId, Page,
    PageToken, ParkedReport, Provider, ProviderId, ProviderName, QueryAnswer, Queue, QueueError,
    Receipt, ReportKey, StateCounts, StatusQuery, Store, StoreError, Submission, Task, Timestamp,
};

mockall::mock! {
    /// A mock of [`Store`].
    pub Store {
        pub fn insert(&self, messages: Vec<Message>) -> Result<Vec<Inserted>, StoreError>;
        pub fn load(&self, ids: Vec<MessageId>) -> Result<Vec<Option<Message>>, StoreError>;
        pub fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, StoreError>;
        pub fn find(&self, keys: Vec<ReportKey>) -> Result<Vec<Option<MessageId>>, StoreError>;
        pub fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<MessageId>, StoreError>;
        pub fn next_deadline(&self) -> Result<Option<Timestamp>, StoreError>;
        pub fn park(&self, reports: Vec<ParkedReport>) -> Result<(), StoreError>;
        pub fn parked(&self, keys: Vec<ReportKey>) -> Result<Vec<ParkedReport>, StoreError>;
        pub fn parked_due(
            &self,
            now: Timestamp,
            limit: usize,
        ) -> Result<Vec<ParkedReport>, StoreError>;
        pub fn unpark(&self, reports: Vec<ParkedReport>) -> Result<(), StoreError>;
        pub fn list(
            &self,
            filter: ListFilter,
            after: Option<PageToken>,
            size: usize,
        ) -> Result<Page, StoreError>;
        pub fn count(&self) -> Result<StateCounts, StoreError>;
        pub fn remove_finished(
            &self,
            before: Timestamp,
            limit: usize,
        ) -> Result<usize, StoreError>;
    }
}

#[async_trait]
impl Store for MockStore {
    async fn insert(&self, messages: Vec<Message>) -> Result<Vec<Inserted>, StoreError> {
        self.insert(messages)
    }

    async fn load(&self, ids: &[MessageId]) -> Result<Vec<Option<Message>>, StoreError> {
        self.load(ids.to_vec())
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, StoreError> {
        self.commit(changes)
    }

    async fn find(&self, keys: &[ReportKey]) -> Result<Vec<Option<MessageId>>, StoreError> {
        self.find(keys.to_vec())
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<MessageId>, StoreError> {
        self.due(now, limit)
    }

    async fn next_deadline(&self) -> Result<Option<Timestamp>, StoreError> {
        self.next_deadline()
    }

    async fn park(&self, reports: Vec<ParkedReport>) -> Result<(), StoreError> {
        self.park(reports)
    }

    async fn parked(&self, keys: &[ReportKey]) -> Result<Vec<ParkedReport>, StoreError> {
        self.parked(keys.to_vec())
    }

    async fn parked_due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<ParkedReport>, StoreError> {
        self.parked_due(now, limit)
    }

    async fn unpark(&self, reports: Vec<ParkedReport>) -> Result<(), StoreError> {
        self.unpark(reports)
    }

    async fn list(
        &self,
        filter: &ListFilter,
        after: Option<&PageToken>,
        size: usize,
    ) -> Result<Page, StoreError> {
        self.list(filter.clone(), after.cloned(), size)
    }

    async fn count(&self) -> Result<StateCounts, StoreError> {
        self.count()
    }

    async fn remove_finished(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.remove_finished(before, limit)
    }
}

mockall::mock! {
    /// A mock of [`Queue`].
    pub Queue {
        pub fn push(&self, hints: Vec<Hint>) -> Result<(), QueueError>;
        pub fn lease(&self, route: ProviderName, most: usize) -> Result<Vec<Task>, QueueError>;
        pub fn acknowledge(&self, receipts: Vec<Receipt>) -> Result<(), QueueError>;
    }
}

#[async_trait]
impl Queue for MockQueue {
    async fn push(&self, hints: Vec<Hint>) -> Result<(), QueueError> {
        self.push(hints)
    }

    async fn lease(&self, route: &ProviderName, most: usize) -> Result<Vec<Task>, QueueError> {
        self.lease(route.clone(), most)
    }

    async fn acknowledge(&self, receipts: Vec<Receipt>) -> Result<(), QueueError> {
        self.acknowledge(receipts)
    }
}

mockall::mock! {
    /// A mock of [`Provider`].
    pub Provider {
        pub fn name(&self) -> &ProviderName;
        pub fn capabilities(&self) -> Capabilities;
        pub fn submit(&self, submission: Submission) -> Answer;
    }
}

#[async_trait]
impl Provider for MockProvider {
    fn name(&self) -> &ProviderName {
        self.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities()
    }

    async fn submit(&self, submission: &Submission) -> Answer {
        self.submit(submission.clone())
    }
}

mockall::mock! {
    /// A mock of [`StatusQuery`].
    pub StatusQuery {
        pub fn query(&self, submission: Submission, provider_id: Option<ProviderId>) -> QueryAnswer;
    }
}

#[async_trait]
impl StatusQuery for MockStatusQuery {
    async fn query(
        &self,
        submission: &Submission,
        provider_id: Option<&ProviderId>,
    ) -> QueryAnswer {
        self.query(submission.clone(), provider_id.cloned())
    }
}

/// A mock has nothing to show but that it is one.
macro_rules! debug_by_name {
    ($($mock:ident)*) => {$(
        impl fmt::Debug for $mock {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($mock))
            }
        }
    )*};
}

debug_by_name!(MockStore MockQueue MockProvider MockStatusQuery);
