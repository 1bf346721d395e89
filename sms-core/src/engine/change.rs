//! Reading and writing messages: single calls are gathered into calls over many.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;

use super::batch::{Batcher, Work};
use super::{Inner, Observation};
use crate::{
    Change, Committed, Decision, Event, Hint, Inserted, Message, MessageId, ParkedReport,
    ReportKey, Store, StoreError, StoreErrorKind, Unchanged,
};

/// The most items of one call to the store.
const MOST: usize = 256;
/// How many calls of one kind run at a time. Two keep a store busy while answers travel.
const CONCURRENCY: usize = 2;

/// The calls to the store that happen for every message.
#[derive(Debug)]
pub(super) struct Writes {
    inserts: Batcher<Insert>,
    commits: Batcher<Commit>,
    loads: Batcher<Load>,
    parked: Batcher<Parked>,
}

impl Writes {
    pub(super) fn new(store: &Arc<dyn Store>) -> Self {
        let store = || Arc::clone(store);
        Self {
            inserts: Batcher::new(Insert(store()), MOST, CONCURRENCY),
            commits: Batcher::new(Commit(store()), MOST, CONCURRENCY),
            loads: Batcher::new(Load(store()), MOST, CONCURRENCY),
            parked: Batcher::new(Parked(store()), MOST, CONCURRENCY),
        }
    }

    pub(super) async fn insert(&self, message: Message) -> Result<Inserted, StoreError> {
        answer(self.inserts.add(message).await, "insert a message")
    }

    pub(super) async fn commit(&self, change: Change) -> Result<Committed, StoreError> {
        answer(self.commits.add(change).await, "commit a change")
    }

    pub(super) async fn load(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        answer(self.loads.add(id).await, "load a message")
    }

    pub(super) async fn parked(&self, key: ReportKey) -> Result<Vec<ParkedReport>, StoreError> {
        answer(self.parked.add(key).await, "look for parked reports")
    }
}

fn answer<T, E>(
    received: Result<Result<T, StoreError>, E>,
    doing: &'static str,
) -> Result<T, StoreError> {
    // The channel breaks only when the store panicked.
    received.unwrap_or_else(|_| Err(StoreError::new(StoreErrorKind::Unavailable, doing)))
}

/// One result for each item, whether the call as a whole succeeded or not.
fn each<T>(count: usize, result: Result<Vec<T>, StoreError>) -> Vec<Result<T, StoreError>> {
    match result {
        Ok(items) => items.into_iter().map(Ok).collect(),
        Err(error) => (0..count).map(|_| Err(error.clone())).collect(),
    }
}

macro_rules! store_work {
    ($name:ident, $item:ty, $answer:ty, |$store:ident, $items:ident| $call:expr) => {
        #[derive(Debug)]
        struct $name(Arc<dyn Store>);

        #[async_trait]
        impl Work for $name {
            type Item = $item;
            type Answer = Result<$answer, StoreError>;

            async fn run(&self, $items: Vec<$item>) -> Vec<Self::Answer> {
                let count = $items.len();
                let $store = &self.0;
                each(count, $call)
            }
        }
    };
}

store_work!(Insert, Message, Inserted, |store, items| store
    .insert(items)
    .await);
store_work!(Commit, Change, Committed, |store, items| store
    .commit(items)
    .await);
store_work!(Parked, ReportKey, Vec<ParkedReport>, |store, items| store
    .parked(&items)
    .await
    .map(|found| by_key(&items, found)));

#[derive(Debug)]
struct Load(Arc<dyn Store>);

#[async_trait]
impl Work for Load {
    type Item = MessageId;
    type Answer = Result<Option<Message>, StoreError>;

    async fn run(&self, ids: Vec<MessageId>) -> Vec<Self::Answer> {
        let loaded = self.0.load(&ids).await;
        match loaded {
            // One of them cannot be read. That must not hide the others.
            Err(error) if !error.is_passing() && ids.len() > 1 => load_each(&self.0, &ids).await,
            loaded => each(ids.len(), loaded),
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

/// What became of an event.
#[derive(Debug)]
pub(super) enum Applied {
    /// It is part of the message now.
    Changed(Message),
    /// It changed nothing.
    Kept(Message, Unchanged),
    /// There is no such message any more.
    Gone,
}

impl Inner {
    /// Applies an event to a message, starting from a copy that may be out of date.
    pub(super) async fn apply(
        self: &Arc<Self>,
        mut message: Message,
        event: &Event,
    ) -> Result<Applied, StoreError> {
        loop {
            let decision = self.rules.decide(&message, event, self.clock.now());
            let (after, hint, query) = match decision {
                Decision::Keep(why) => return Ok(Applied::Kept(message, why)),
                Decision::Change {
                    progress,
                    hint,
                    query,
                } => (progress, hint, query),
            };
            let before = message.progress.state;
            let changed = Message {
                request: Arc::clone(&message.request),
                progress: after.clone(),
            };
            let change = Change {
                before: message,
                after,
            };
            match self.writes.commit(change).await? {
                Committed::Applied => {
                    self.after_commit(before, &changed, hint, query);
                    return Ok(Applied::Changed(changed));
                }
                Committed::Conflict(current) => message = *current,
                Committed::Missing => return Ok(Applied::Gone),
            }
        }
    }

    /// What follows a commit. A crash before it is made up for by the sweep.
    pub(super) fn after_commit(
        self: &Arc<Self>,
        before: crate::State,
        message: &Message,
        hint: bool,
        query: bool,
    ) {
        if hint {
            self.hint(message);
        }
        if query {
            self.ask(message);
        }
        if before != message.progress.state {
            self.observer
                .observe(&Observation::Changed { before, message });
        }
        self.watchers.tell(message);
    }

    /// Tells the queue that a message waits.
    pub(super) fn hint(self: &Arc<Self>, message: &Message) {
        self.hints.add(Hint {
            route: message.request.route.clone(),
            priority: message.request.priority,
            ids: vec![message.id()],
        });
    }
}
