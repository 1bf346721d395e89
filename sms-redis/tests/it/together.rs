//! Calls over messages of many shards, which one server does in one run of a script.

use sms_core::conformance::{Samples, changed, finished};
use sms_core::{
    Change, Committed, Inserted, Message, MessageId, ReportKey, State, Store, Timestamp,
};
use sms_redis::RedisStore;

use crate::conformance::cluster;
use crate::server::{Server, fresh_prefix, store_at};

/// More than one run takes, and more than one command of a read.
const MANY: usize = 600;

async fn fresh(url: &str) -> [RedisStore; 2] {
    let of = async |shards: u16| {
        let prefix = fresh_prefix();
        store_at(&format!(
            "{url}?timeout=10s&shards={shards}&prefix={prefix}"
        ))
        .await
    };
    [of(16).await, of(1).await]
}

/// Stores on one server and on a cluster, spread over shards and not.
async fn stores(server: &Server) -> Vec<RedisStore> {
    let mut stores = fresh(&server.url()).await.to_vec();
    stores.extend(fresh(&cluster().url()).await);
    stores
}

fn sent(samples: &Samples, message: &Message) -> (Change, ReportKey) {
    let key = samples.key();
    let change = changed(message, |progress| {
        progress.state = State::Sent;
        let attempt = samples.accepted_attempt(1, &key.provider_id);
        progress.attempts.push(attempt);
    });
    (change, key)
}

fn after(change: &Change) -> Message {
    Message {
        request: change.before.request.clone(),
        progress: change.after.clone(),
    }
}

async fn counted(store: &RedisStore) -> Vec<(State, u64)> {
    let counts = store.count().await.unwrap();
    counts.iter().filter(|(_, count)| *count > 0).collect()
}

#[tokio::test]
async fn new_messages_and_taken_ids_of_all_shards_are_told_apart() {
    let server = Server::start();
    for store in stores(&server).await {
        let samples = Samples::new(80);
        let taken = samples.messages(40);
        store.insert(taken.clone()).await.unwrap();
        // Every third is there already, every fifth comes a second time with another text.
        let mut call = samples.messages(MANY);
        for (place, message) in taken.iter().enumerate() {
            call[place * 3] = message.clone();
        }
        let first = call.clone();
        for place in (0..100).map(|place| place * 5 + 4) {
            let mut again = call[place].clone();
            let other = samples.message_with(|request| request.text = "Another".parse().unwrap());
            let request = std::sync::Arc::make_mut(&mut again.request);
            request.text = other.request.text.clone();
            call.push(again);
        }
        let answers = store.insert(call.clone()).await.unwrap();
        let mut known: Vec<MessageId> = taken.iter().map(Message::id).collect();
        for (message, answer) in call.iter().zip(answers) {
            let id = message.id();
            if known.contains(&id) {
                let was = first.iter().find(|message| message.id() == id).unwrap();
                assert_eq!(answer, Inserted::Exists(Box::new(was.clone())));
            } else {
                assert_eq!(answer, Inserted::Created);
                known.push(id);
            }
        }
        let ids: Vec<MessageId> = first.iter().map(Message::id).collect();
        let there = store.load(&ids).await.unwrap();
        assert!(there.into_iter().flatten().eq(first.iter().cloned()));
        let count = known.len();
        assert_eq!(counted(&store).await, [(State::Queued, count as u64)]);
        let due = store.due(Timestamp::MAX, 10_000).await.unwrap();
        assert_eq!(due.len(), count);
    }
}

#[tokio::test]
async fn changes_conflicts_and_missing_messages_of_all_shards_are_told_apart() {
    let server = Server::start();
    for store in stores(&server).await {
        let samples = Samples::new(81);
        let messages = samples.messages(MANY);
        let absent = samples.messages(50);
        store.insert(messages.clone()).await.unwrap();
        let mut expected = Vec::new();
        let mut changes = Vec::new();
        let mut keys = Vec::new();
        for (place, message) in messages.iter().enumerate() {
            let (change, key) = sent(&samples, message);
            let now = after(&change);
            changes.push(change.clone());
            expected.push(Committed::Applied);
            keys.push((message.id(), key));
            match place % 6 {
                // The same again: its version has passed.
                0 => {
                    changes.push(change);
                    expected.push(Committed::Conflict(Box::new(now)));
                }
                // On from there, to the end, in the same call.
                1 => {
                    let at = Timestamp::from_millis(5);
                    changes.push(finished(&now, State::Undelivered, at));
                    expected.push(Committed::Applied);
                }
                _ => {}
            }
            if let Some(absent) = absent.get(place) {
                changes.push(sent(&samples, absent).0);
                expected.push(Committed::Missing);
            }
        }
        assert_eq!(store.commit(changes).await.unwrap(), expected);
        let ended = MANY as u64 / 6;
        let open = MANY as u64 - ended;
        let counts = [(State::Sent, open), (State::Undelivered, ended)];
        assert_eq!(counted(&store).await, counts);
        let due = store.due(Timestamp::MAX, 10_000).await.unwrap();
        assert_eq!(due.len() as u64, open);
        let (ids, keys): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
        let found = store.find(&keys).await.unwrap();
        assert!(found.into_iter().flatten().eq(ids));
        let removed = store.remove_finished(Timestamp::MAX, 10_000).await.unwrap();
        assert_eq!(removed as u64, ended);
        assert_eq!(counted(&store).await, [(State::Sent, open)]);
    }
}

#[tokio::test]
async fn early_reports_are_found_among_many_keys() {
    let server = Server::start();
    for store in stores(&server).await {
        let samples = Samples::new(82);
        let mut keys: Vec<ReportKey> = (0..MANY).map(|_| samples.key()).collect();
        assert_eq!(store.parked(&keys).await.unwrap(), []);
        let parked = samples.parked(&keys[MANY - 1], samples.now());
        store.park(vec![parked.clone()]).await.unwrap();
        assert_eq!(store.parked(&keys).await.unwrap(), [parked]);
        keys.pop();
        assert_eq!(store.parked(&keys).await.unwrap(), []);
    }
}
