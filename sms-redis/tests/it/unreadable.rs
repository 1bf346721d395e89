//! What cannot be read, and what is missing.

use sms_core::conformance::{Samples, changed};
use sms_core::{Change, Committed, ListFilter, Message, State, Store, StoreErrorKind, Timestamp};
use sms_redis::RedisStore;

use crate::server::{Server, store_at};

/// Does something to the record of a message behind the store's back.
fn to_record(server: &Server, message: &Message, what: &str) {
    let code = format!(
        "local id = string.gsub(ARGV[1], '%x%x', function(byte)
             return string.char(tonumber(byte, 16))
         end)
         return {what}"
    );
    let id = format!("{:032x}", message.id().as_u128());
    let done = server.ask(&["eval", &code, "0", &id]);
    assert!(["OK", "1"].contains(&done.trim()), "{done}");
}

async fn stored(server: &Server, seed: u64, count: usize) -> (RedisStore, Vec<Message>) {
    let store = store_at(&server.url()).await;
    let messages = Samples::new(seed).messages(count);
    store.insert(messages.clone()).await.unwrap();
    (store, messages)
}

#[tokio::test]
async fn a_record_that_cannot_be_read_fails_only_its_own_change() {
    let server = Server::start();
    let (store, messages) = stored(&server, 100, 3).await;
    let garbage = "redis.call('SET', 'sms:{0}' .. id, 'garbage that is no record')";
    to_record(&server, &messages[1], garbage);
    let change = |message: &Message| changed(message, |_| {});
    let changes: Vec<Change> = messages.iter().map(change).collect();
    let committed = store.commit(changes).await.unwrap();
    match &committed[..] {
        [
            Committed::Applied,
            Committed::Failed(error),
            Committed::Applied,
        ] => {
            assert_eq!(error.kind(), StoreErrorKind::Corrupt);
        }
        other => panic!("{other:?}"),
    }
}

/// Their deadlines would be found for ever, and hide all others.
#[tokio::test]
async fn messages_without_a_record_lose_their_places() {
    let server = Server::start();
    let (store, messages) = stored(&server, 101, 5).await;
    let failed = changed(&messages[4], |progress| {
        progress.state = State::Failed;
        progress.deadline = None;
    });
    store.commit(vec![failed]).await.unwrap();
    for message in [&messages[0], &messages[1], &messages[4]] {
        to_record(&server, message, "redis.call('DEL', 'sms:{0}' .. id)");
    }
    assert_eq!(store.due(Timestamp::MAX, 2).await.unwrap(), []);
    let due = store.due(Timestamp::MAX, 2).await.unwrap();
    assert_eq!(due, [messages[2].id(), messages[3].id()]);
    let filter = ListFilter {
        states: vec![State::Failed],
        ..ListFilter::default()
    };
    let page = store.list(&filter, None, 10).await.unwrap();
    assert_eq!(page.messages, []);
    let places = server.ask(&["zcard", "sms:{0}:all"]);
    assert_eq!(places.trim(), "2", "of five, three of which are gone");
}

#[tokio::test]
async fn a_parked_report_that_cannot_be_read_hides_no_others() {
    let server = Server::start();
    let store = store_at(&server.url()).await;
    let samples = Samples::new(102);
    let (broken, key) = (samples.key(), samples.key());
    let first = samples.parked(&broken, Timestamp::from_millis(1));
    let second = samples.parked(&key, Timestamp::from_millis(2));
    store.park(vec![first, second.clone()]).await.unwrap();
    let name = format!("sms:{{0}}:early:{}/{}", broken.provider, broken.provider_id);
    let code = "local fields = redis.call('HKEYS', KEYS[1])
        return redis.call('HSET', KEYS[1], fields[1], 'garbage that is no report')";
    server.ask(&["eval", code, "1", &name]);
    let now = Timestamp::from_millis(10);
    assert_eq!(store.parked_due(now, 1).await.unwrap(), []);
    let second = [second];
    assert_eq!(store.parked_due(now, 1).await.unwrap(), second);
    assert_eq!(store.parked(&[broken, key]).await.unwrap(), second);
}
