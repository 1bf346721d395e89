//! Work for a store, and the books of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sms_core::conformance::{Samples, changed};
use sms_core::{
    Change, Committed, Inserted, Message, MessageId, ReportKey, State, Store, Timestamp,
};
use sms_redis::RedisStore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

const TASKS: u64 = 6;
const BATCH: usize = 20;

/// Stores and commits messages until told to stop.
pub(crate) struct Load {
    books: Arc<Books>,
    tasks: Vec<JoinHandle<()>>,
}

/// What the store has confirmed.
#[derive(Default)]
struct Books {
    stop: AtomicBool,
    /// The latest version of each message, and the provider id that leads to it.
    confirmed: Mutex<HashMap<MessageId, (u64, Option<ReportKey>)>>,
    failures: Mutex<u64>,
}

impl Load {
    pub(crate) fn start(store: &RedisStore, seed: u64) -> Self {
        let books = Arc::new(Books::default());
        let task = |number| {
            let (store, books) = (store.clone(), Arc::clone(&books));
            let samples = Samples::new(seed * 1_000 + number);
            tokio::spawn(async move { books.work(&store, &samples).await })
        };
        let tasks = (0..TASKS).map(task).collect();
        Self { books, tasks }
    }

    /// Waits until so many messages more were confirmed.
    pub(crate) async fn progress(&self, more: usize) {
        let goal = self.confirmed() + more;
        let end = Instant::now() + Duration::from_secs(60);
        while self.confirmed() < goal {
            assert!(Instant::now() < end, "the store does not come back");
            sleep(Duration::from_millis(5)).await;
        }
    }

    fn confirmed(&self) -> usize {
        self.books.confirmed.lock().unwrap().len()
    }

    /// How many calls have failed until now.
    pub(crate) fn failures(&self) -> u64 {
        *self.books.failures.lock().unwrap()
    }

    /// Stops, and compares what is stored with what was confirmed.
    pub(crate) async fn balance(self, store: &RedisStore) {
        self.books.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
        let confirmed = std::mem::take(&mut *self.books.confirmed.lock().unwrap());
        let ids: Vec<MessageId> = confirmed.keys().copied().collect();
        for ids in ids.chunks(500) {
            let there = patient(async || store.load(ids).await).await;
            for (id, message) in ids.iter().zip(there) {
                let (version, _) = &confirmed[id];
                let found = message.map(|message| message.progress.version);
                assert!(
                    found >= Some(*version),
                    "{id}: {found:?}, confirmed {version}"
                );
            }
        }
        let keys = confirmed
            .iter()
            .filter_map(|(id, (_, key))| Some((id, key.clone()?)));
        let (ids, keys): (Vec<&MessageId>, Vec<ReportKey>) = keys.unzip();
        for (ids, keys) in ids.chunks(500).zip(keys.chunks(500)) {
            let found = patient(async || store.find(keys).await).await;
            for (id, found) in ids.iter().zip(found) {
                assert_eq!(found, Some(**id), "its provider id is lost");
            }
        }
        let counts = store.count().await.unwrap();
        assert!(counts.total() >= confirmed.len() as u64, "{counts:?}");
        let open = counts.get(State::Queued) + counts.get(State::Sent);
        let due = store.due(Timestamp::MAX, 1_000_000).await.unwrap();
        assert_eq!(due.len() as u64, open, "every open message has a deadline");
    }
}

impl Books {
    async fn work(&self, store: &RedisStore, samples: &Samples) {
        while !self.stop.load(Ordering::Relaxed) {
            let messages = samples.messages(BATCH);
            let Some(inserted) = self.noted(store.insert(messages.clone()).await) else {
                sleep(Duration::from_millis(10)).await;
                continue;
            };
            let created = |answer: &Inserted| *answer == Inserted::Created;
            assert!(inserted.iter().all(created), "these ids are new");
            for message in &messages {
                self.confirm(message.id(), message.progress.version, None);
            }
            self.send(store, samples, messages).await;
        }
    }

    async fn send(&self, store: &RedisStore, samples: &Samples, messages: Vec<Message>) {
        let keys: Vec<ReportKey> = messages.iter().map(|_| samples.key()).collect();
        let sent = |(message, key): (&Message, &ReportKey)| {
            changed(message, |progress| {
                progress.state = State::Sent;
                let attempt = samples.accepted_attempt(1, &key.provider_id);
                progress.attempts.push(attempt);
            })
        };
        let changes: Vec<Change> = messages.iter().zip(&keys).map(sent).collect();
        let Some(committed) = self.noted(store.commit(changes).await) else {
            return;
        };
        for ((message, key), committed) in messages.iter().zip(keys).zip(committed) {
            match committed {
                Committed::Applied => {
                    self.confirm(message.id(), message.progress.version + 1, Some(key));
                }
                Committed::Failed(_) => *self.failures.lock().unwrap() += 1,
                other => panic!("nobody else changes these: {other:?}"),
            }
        }
    }

    fn noted<T, E>(&self, answer: Result<T, E>) -> Option<T> {
        *self.failures.lock().unwrap() += u64::from(answer.is_err());
        answer.ok()
    }

    fn confirm(&self, id: MessageId, version: u64, key: Option<ReportKey>) {
        self.confirmed.lock().unwrap().insert(id, (version, key));
    }
}

/// The answer to a call that may fail for a while.
pub(crate) async fn patient<T, E: std::fmt::Debug>(call: impl AsyncFn() -> Result<T, E>) -> T {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        match call().await {
            Ok(answer) => return answer,
            Err(error) => assert!(Instant::now() < end, "{error:?}"),
        }
        sleep(Duration::from_millis(50)).await;
    }
}
