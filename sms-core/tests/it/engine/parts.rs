//! A store of two parts, one of which is away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sms_core::{
    Change, Committed, Inserted, ListFilter, MemoryStore, Message, MessageId, Page, PageToken,
    ParkedReport, ReportKey, State, StateCounts, Store, StoreError, StoreErrorKind, Timestamp,
};
use tokio::time::{sleep, timeout};

use super::rig::{Rig, SECOND, new_message};

/// Messages with an odd id are in a part that can be away: then nothing about them is answered
/// but, after a while, that it failed.
#[derive(Debug)]
struct TwoParts {
    store: Arc<MemoryStore>,
    is_away: AtomicBool,
    /// The first change of every call fails alone.
    fails_one: AtomicBool,
}

const TIMEOUT: Duration = Duration::from_secs(3);

impl TwoParts {
    fn new(rig: &Rig) -> Self {
        Self {
            store: rig.store.clone(),
            is_away: AtomicBool::new(false),
            fails_one: AtomicBool::new(false),
        }
    }

    async fn fails(&self, ids: impl IntoIterator<Item = MessageId>) -> Result<(), StoreError> {
        let mut ids = ids.into_iter();
        if !self.is_away.load(Ordering::Relaxed) || !ids.any(|id| self.part_of(id) == 1) {
            return Ok(());
        }
        sleep(TIMEOUT).await;
        Err(StoreError::new(StoreErrorKind::Unavailable, "reach a part"))
    }
}

#[async_trait]
impl Store for TwoParts {
    fn parts(&self) -> usize {
        2
    }

    fn part_of(&self, id: MessageId) -> usize {
        usize::from(id.as_u128() % 2 == 1)
    }

    async fn insert(&self, messages: Vec<Message>) -> Result<Vec<Inserted>, StoreError> {
        let ids: Vec<MessageId> = messages.iter().map(Message::id).collect();
        self.fails(ids).await?;
        self.store.insert(messages).await
    }

    async fn load(&self, ids: &[MessageId]) -> Result<Vec<Option<Message>>, StoreError> {
        self.fails(ids.iter().copied()).await?;
        self.store.load(ids).await
    }

    async fn commit(&self, mut changes: Vec<Change>) -> Result<Vec<Committed>, StoreError> {
        let ids: Vec<MessageId> = changes.iter().map(|one| one.before.id()).collect();
        self.fails(ids).await?;
        if !self.fails_one.load(Ordering::Relaxed) {
            return self.store.commit(changes).await;
        }
        changes.remove(0);
        let error = StoreError::new(StoreErrorKind::Unavailable, "commit a change");
        let mut committed = vec![Committed::Failed(error)];
        committed.extend(self.store.commit(changes).await?);
        Ok(committed)
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

#[tokio::test(start_paused = true)]
async fn a_part_that_is_away_neither_fails_nor_holds_up_the_messages_of_others() {
    let rig = Rig::new();
    let store = Arc::new(TwoParts::new(&rig));
    store.is_away.store(true, Ordering::Relaxed);
    let builder = rig.over(store.clone(), rig.queue.clone());
    let engine = builder.provider(rig.setup()).build().unwrap();
    let accepted = engine.accept_many((0..200).map(|_| new_message()).collect());
    let answers = accepted.await;
    let ids: Vec<MessageId> = answers
        .iter()
        .filter_map(|answer| Some(answer.as_ref().ok()?.message.id()))
        .collect();
    for id in &ids {
        assert_eq!(rig.state(*id).await, State::Queued);
    }
    let stored = rig.store.count().await.unwrap().total();
    assert_eq!(stored, ids.len() as u64, "what failed is not stored");
    assert!((60..=140).contains(&ids.len()), "about half: {}", ids.len());

    // Questions, too.
    for id in ids {
        let asked = timeout(TIMEOUT / 2, engine.message(id)).await;
        assert_eq!(asked.unwrap().unwrap().unwrap().state(), State::Queued);
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_failed_alone_is_tried_again_and_the_others_are_done() {
    let rig = Rig::new();
    let store = Arc::new(TwoParts::new(&rig));
    store.fails_one.store(true, Ordering::Relaxed);
    let builder = rig.over(store.clone(), rig.queue.clone());
    let engine = builder.provider(rig.setup()).build().unwrap();
    let accepted = engine.accept_many((0..20).map(|_| new_message()).collect());
    let accepted = accepted.await;
    let id = |at: usize| accepted[at].as_ref().unwrap().message.id();
    let _running = engine.start();
    sleep(SECOND / 10).await;
    let submitted = rig.submissions();
    assert!((10..20).contains(&submitted), "{submitted} were claimed");
    store.fails_one.store(false, Ordering::Relaxed);
    for at in 0..20 {
        rig.until(id(at), State::Sent).await;
    }
    assert_eq!(rig.submissions(), 20);
}
