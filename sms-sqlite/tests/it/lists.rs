//! Lists beyond what every store promises: places in the order of acceptance.

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
