//! Lists beyond what every store promises: places in the order of acceptance.

use std::sync::Arc;

use sms_core::conformance::Samples;
use sms_core::{ListFilter, Message, MessageId, Store, Timestamp};
use sms_sqlite::SqliteStore;

async fn all(store: &SqliteStore, filter: &ListFilter) -> Vec<MessageId> {
    let page = store.list(filter, None, usize::MAX).await.unwrap();
    assert!(page.next.is_none());
    page.messages.iter().map(Message::id).collect()
}

/// One call may bring more messages in a millisecond than it has places.
#[tokio::test]
async fn a_millisecond_may_have_any_number_of_messages() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("sms.db")).unwrap();
    let samples = Samples::new(1);
    let at = samples.now();
    let accepted = |at: Timestamp| samples.message_with(|request| request.accepted_at = at);
    let many: Vec<Message> = (0..40_000).map(|_| accepted(at)).collect();
    let next = at + std::time::Duration::from_millis(1);
    store.insert(vec![accepted(next)]).await.unwrap();
    store.insert(many).await.unwrap();
    store
        .insert(vec![accepted(at), accepted(next)])
        .await
        .unwrap();
    let within = |from, before| ListFilter {
        accepted_from: Some(from),
        accepted_before: Some(before),
        ..ListFilter::default()
    };
    assert_eq!(all(&store, &within(at, next)).await.len(), 40_001);
    assert_eq!(all(&store, &within(next, Timestamp::MAX)).await.len(), 2);
    assert_eq!(all(&store, &ListFilter::default()).await.len(), 40_003);
}

#[tokio::test]
async fn the_ends_of_time_have_places() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("sms.db")).unwrap();
    let samples = Samples::new(2);
    let times = [Timestamp::from_millis(0), samples.now(), Timestamp::MAX];
    let messages = times.map(|at| samples.message_with(|request| request.accepted_at = at));
    store.insert(messages.to_vec()).await.unwrap();
    let mut expected: Vec<MessageId> = messages.iter().map(Message::id).collect();
    expected.reverse();
    assert_eq!(all(&store, &ListFilter::default()).await, expected);
}

/// A few people who look through all messages must not stop the sending.
#[tokio::test]
async fn long_lists_do_not_hold_up_look_ups() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(folder.path().join("sms.db")).unwrap());
    let messages = Samples::new(3).messages(2_000);
    store.insert(messages.clone()).await.unwrap();
    let lists: Vec<_> = (0..32)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { all(&store, &ListFilter::default()).await.len() })
        })
        .collect();
    tokio::task::yield_now().await;
    let loaded = store.load(&[messages[0].id()]).await.unwrap();
    assert_eq!(loaded, [Some(messages[0].clone())]);
    let under_way = lists.iter().filter(|list| !list.is_finished()).count();
    assert!(
        under_way > 16,
        "it waited for {} of 32 lists",
        32 - under_way
    );
    for list in lists {
        assert_eq!(list.await.unwrap(), 2_000);
    }
}
