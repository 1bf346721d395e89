//! Reading and writing messages: single calls are gathered into calls over many.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;

use super::batch::{Batcher, Work};
use super::parts::Parts;
use crate::{
    Change, Committed, Inserted, Message, MessageId, ParkedReport, ReportKey, Store, StoreError,
    StoreErrorKind,
};

/// The most items of one call to the store.
const MOST: usize = 256;
/// How many calls of one kind run at a time on one part of the store. Two keep it busy while
/// answers travel.
const CONCURRENCY: usize = 2;
/// What was being done, for the error of a commit.
const COMMIT: &str = "commit a change";

/// The calls to the store that happen for every message.
#[derive(Debug)]
pub(super) struct Writes {
    store: Arc<dyn Store>,
    inserts: Parts<Insert>,
    commits: Parts<Commit>,
    loads: Parts<Load>,
    parked: Batcher<Parked>,
}

impl Writes {
    pub(super) fn new(store: &Arc<dyn Store>) -> Self {
        Self {
            store: Arc::clone(store),
            inserts: Parts::new(store, Insert, MOST, CONCURRENCY),
            commits: Parts::new(store, Commit, MOST, CONCURRENCY),
            loads: Parts::new(store, Load, MOST, CONCURRENCY),
            parked: Batcher::new(Parked(Arc::clone(store)), MOST, CONCURRENCY),
        }
    }

    /// Inserts a message; alone if that failed together with others.
    pub(super) async fn insert(&self, message: &Message) -> Result<Inserted, StoreError> {
        let doing = "insert a message";
        match answer(self.inserts.add(message.id(), message.clone()).await, doing) {
            Ok(inserted) => Ok(inserted),
            Err(Failure::Own(error)) => Err(error),
            // It may be stored all the same; then it is what the store says has its id.
            Err(Failure::Shared) => only(self.store.insert(vec![message.clone()]).await, doing),
        }
    }

    pub(super) async fn commit(&self, change: Change) -> Result<Committed, Failure> {
        answer(self.commits.add(change.before.id(), change).await, COMMIT)
    }

    /// Commits a change apart from all others.
    pub(super) async fn commit_alone(&self, change: Change) -> Result<Committed, Failure> {
        Ok(only(self.store.commit(vec![change]).await, COMMIT)?)
    }

    pub(super) async fn load(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        answer(self.loads.add(id, id).await, "load a message")
    }

    pub(super) async fn parked(&self, key: ReportKey) -> Result<Vec<ParkedReport>, StoreError> {
        answer(self.parked.add(key).await, "look for parked reports")
    }
}

/// Why an item of a gathered call has no answer. It may have been written.
#[derive(Debug)]
pub(super) enum Failure {
    /// It would fail alone as well.
    Own(StoreError),
    /// One of the items of the call cannot be read, and nobody knows which.
    Shared,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Own(error)
    }
}

fn answer<T, E: From<StoreError>, R>(
    received: Result<Result<T, E>, R>,
    doing: &'static str,
) -> Result<T, E> {
    // The channel breaks only when the store panicked.
    received.unwrap_or_else(|_| Err(StoreError::new(StoreErrorKind::Unavailable, doing).into()))
}

/// The answer to the only item of a call.
fn only<T>(answers: Result<Vec<T>, StoreError>, doing: &'static str) -> Result<T, StoreError> {
    let missing = || StoreError::new(StoreErrorKind::Invalid, doing);
    answers?.pop().ok_or_else(missing)
}

/// One result for each item, whether the call as a whole succeeded or not.
fn each<T>(count: usize, result: Result<Vec<T>, StoreError>) -> Vec<Result<T, Failure>> {
    let failure = |error: &StoreError| match count > 1 && !error.is_passing() {
        true => Failure::Shared,
        false => Failure::Own(error.clone()),
    };
    match result {
        Ok(items) => items.into_iter().map(Ok).collect(),
        Err(error) => (0..count).map(|_| Err(failure(&error))).collect(),
    }
}

macro_rules! store_work {
    ($name:ident, $item:ty, $answer:ty, $method:ident) => {
        #[derive(Debug)]
        struct $name(Arc<dyn Store>);

        #[async_trait]
        impl Work for $name {
            type Item = $item;
            type Answer = Result<$answer, Failure>;

            async fn run(&self, items: Vec<$item>) -> Vec<Self::Answer> {
                let count = items.len();
                each(count, self.0.$method(items).await)
            }
        }
    };
}

store_work!(Insert, Message, Inserted, insert);
store_work!(Commit, Change, Committed, commit);

#[derive(Debug)]
struct Load(Arc<dyn Store>);

#[async_trait]
impl Work for Load {
    type Item = MessageId;
    type Answer = Result<Option<Message>, StoreError>;

    async fn run(&self, ids: Vec<MessageId>) -> Vec<Self::Answer> {
        match self.0.load(&ids).await {
            Ok(messages) => messages.into_iter().map(Ok).collect(),
            // One of them cannot be read. That must not hide the others.
            Err(error) if !error.is_passing() && ids.len() > 1 => load_each(&self.0, &ids).await,
            Err(error) => ids.iter().map(|_| Err(error.clone())).collect(),
        }
    }
}

async fn load_each(
    store: &Arc<dyn Store>,
    ids: &[MessageId],
) -> Vec<Result<Option<Message>, StoreError>> {
    let load = |id| async move {
        let mut loaded = store.load(std::slice::from_ref(id)).await?;
        Ok(loaded.pop().flatten())
    };
    join_all(ids.iter().map(load)).await
}

#[derive(Debug)]
struct Parked(Arc<dyn Store>);

#[async_trait]
impl Work for Parked {
    type Item = ReportKey;
    type Answer = Result<Vec<ParkedReport>, StoreError>;

    async fn run(&self, keys: Vec<ReportKey>) -> Vec<Self::Answer> {
        match self.0.parked(&keys).await {
            Ok(found) => by_key(&keys, found).into_iter().map(Ok).collect(),
            Err(error) if !error.is_passing() && keys.len() > 1 => {
                parked_each(&self.0, &keys).await
            }
            Err(error) => keys.iter().map(|_| Err(error.clone())).collect(),
        }
    }
}

async fn parked_each(
    store: &Arc<dyn Store>,
    keys: &[ReportKey],
) -> Vec<Result<Vec<ParkedReport>, StoreError>> {
    let parked = |key| async move { store.parked(std::slice::from_ref(key)).await };
    join_all(keys.iter().map(parked)).await
}

fn by_key(keys: &[ReportKey], found: Vec<ParkedReport>) -> Vec<Vec<ParkedReport>> {
    if found.is_empty() {
        return vec![Vec::new(); keys.len()];
    }
    let mut under: HashMap<ReportKey, Vec<ParkedReport>> = HashMap::new();
    for parked in found {
        under.entry(parked.key.clone()).or_default().push(parked);
    }
    let of = |key| under.get(key).cloned().unwrap_or_default();
    keys.iter().map(of).collect()
}
