//! A message that cannot be read any more must not take the others with it.

use std::sync::Arc;

use async_trait::async_trait;
use sms_core::{
    Change, Committed, Inserted, ListFilter, MemoryStore, Message, MessageId, Page, PageToken,
    ParkedReport, ReportKey, State, StateCounts, Store, StoreError, StoreErrorKind, Timestamp,
};
use tokio::time::sleep;

use super::rig::{Rig, SECOND, accept_as, new_message};

/// A store in which one message has rotted.
#[derive(Debug)]
struct Rotten {
    store: Arc<MemoryStore>,
    rotten: MessageId,
}

type Answer<T> = Result<T, StoreError>;

#[async_trait]
impl Store for Rotten {
    async fn load(&self, ids: &[MessageId]) -> Answer<Vec<Option<Message>>> {
        if ids.contains(&self.rotten) {
            return Err(StoreError::new(StoreErrorKind::Corrupt, "read a message"));
        }
        self.store.load(ids).await
    }

    async fn insert(&self, messages: Vec<Message>) -> Answer<Vec<Inserted>> {
        self.store.insert(messages).await
    }

    async fn commit(&self, changes: Vec<Change>) -> Answer<Vec<Committed>> {
        self.store.commit(changes).await
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
        self.store.list(filter, after, size).await
    }

    async fn count(&self) -> Answer<StateCounts> {
        self.store.count().await
    }

    async fn remove_finished(&self, before: Timestamp, limit: usize) -> Answer<usize> {
        self.store.remove_finished(before, limit).await
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadlines_of_the_others_are_acted_on() {
    let rig = Rig::new();
    let mut later = new_message();
    later.send_at = Some(rig.engine().now() + 10 * SECOND);
    let api = rig.engine();
    let rotten = accept_as(&api, later.clone()).await;
    let mut healthy = Vec::new();
    for _ in 0..20 {
        healthy.push(accept_as(&api, later.clone()).await);
    }
    let store = Rotten {
        store: rig.store.clone(),
        rotten,
    };
    let worker = rig.over(Arc::new(store), rig.queue.clone());
    let worker = worker.provider(rig.setup()).build().unwrap();
    let _running = worker.start();
    sleep(12 * SECOND).await;
    for id in healthy {
        assert_eq!(rig.state(id).await, State::Sent);
    }
    assert_eq!(rig.state(rotten).await, State::Scheduled);
    let error = worker.message(rotten).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_the_sweep_goes_on() {
    let rig = Rig::new();
    let api = rig.engine();
    let rotten = accept_as(&api, new_message()).await;
    let store = Rotten {
        store: rig.store.clone(),
        rotten,
    };
    let finished = accept_as(&api, new_message()).await;
    api.cancel(finished).await.unwrap();
    let worker = rig.over(Arc::new(store), rig.queue.clone());
    let worker = worker.provider(rig.setup()).retention(60 * SECOND);
    let worker = worker.build().unwrap();
    // The deadline of the message that cannot be read has passed.
    sleep(50 * SECOND).await;
    let _running = worker.start();
    sleep(60 * SECOND).await;
    let found = rig.store.load(&[finished]).await.unwrap();
    assert_eq!(found, [None], "what is finished is still removed");
}
