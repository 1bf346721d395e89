//! Lists of more messages than a server gives at a time.

use std::collections::HashSet;

use sms_core::conformance::{Samples, finished};
use sms_core::{ListFilter, Message, MessageId, State, Store, Timestamp};
use sms_redis::RedisStore;

use crate::server::{Server, store_at};

/// More than are read at a time, and few enough to page through them one by one.
const SAME: usize = 150;

async fn follow(store: &RedisStore, filter: &ListFilter, size: usize) -> Vec<MessageId> {
    let (mut shown, mut token) = (Vec::new(), None);
    loop {
        let page = store.list(filter, token.as_ref(), size).await.unwrap();
        assert!(page.messages.len() <= size);
        shown.extend(page.messages.iter().map(Message::id));
        token = page.next;
        if token.is_none() {
            return shown;
        }
    }
}

/// Far more than are read at a time, all at one time, in one shard and in several.
#[tokio::test]
async fn messages_of_one_millisecond_are_listed_once() {
    let server = Server::start();
    for shards in [1, 16] {
        let url = format!("{}?shards={shards}&prefix=s{shards}", server.url());
        let store = store_at(&url).await;
        let samples = Samples::new(60);
        let at = samples.now();
        let same_time = || samples.message_with(|request| request.accepted_at = at);
        let messages: Vec<Message> = (0..SAME).map(|_| same_time()).collect();
        store.insert(messages.clone()).await.unwrap();
        let expected: HashSet<MessageId> = messages.iter().map(Message::id).collect();
        for size in [1, 7, SAME - 1, SAME, 1_000] {
            let shown = follow(&store, &ListFilter::default(), size).await;
            assert_eq!(shown.len(), SAME, "pages of {size}");
            assert_eq!(shown.into_iter().collect::<HashSet<_>>(), expected);
        }
        let due = store.due(Timestamp::MAX, 1_000).await.unwrap();
        assert_eq!(due.into_iter().collect::<HashSet<_>>(), expected);
    }
}

/// What goes meanwhile does not make others be passed over.
#[tokio::test]
async fn messages_of_one_millisecond_that_go_hide_no_others() {
    let server = Server::start();
    let store = store_at(&format!("{}?shards=1", server.url())).await;
    let samples = Samples::new(61);
    let at = samples.now();
    let same_time = || samples.message_with(|request| request.accepted_at = at);
    let messages: Vec<Message> = (0..200).map(|_| same_time()).collect();
    store.insert(messages.clone()).await.unwrap();
    let (mut shown, mut token, mut gone) = (Vec::new(), None, HashSet::new());
    loop {
        let everything = ListFilter::default();
        let page = store.list(&everything, token.as_ref(), 10).await.unwrap();
        // Every other one of those shown goes.
        for message in page.messages.iter().step_by(2) {
            let end = finished(message, State::Failed, at);
            store.commit(vec![end]).await.unwrap();
            gone.insert(message.id());
        }
        store.remove_finished(Timestamp::MAX, 100).await.unwrap();
        shown.extend(page.messages.iter().map(Message::id));
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(shown.len(), 200);
    assert_eq!(gone.len(), 100);
}

/// A call looks at so many and gives a token, however rare it is what fits.
#[tokio::test]
async fn a_rare_message_is_found_without_one_long_call() {
    let server = Server::start();
    let store = store_at(&server.url()).await;
    let samples = Samples::new(62);
    let wanted = samples.message();
    store.insert(vec![wanted.clone()]).await.unwrap();
    for _ in 0..44 {
        store.insert(samples.messages(250)).await.unwrap();
    }
    let filter = ListFilter {
        to: Some(wanted.request.to),
        accepted_before: Some(Timestamp::MAX),
        ..ListFilter::default()
    };
    let first = store.list(&filter, None, 5).await.unwrap();
    assert!(first.messages.is_empty() && first.next.is_some());
    assert!(follow(&store, &filter, 5).await.contains(&wanted.id()));
}

/// The longest overdue are given even if one shard has nearly all of them.
#[tokio::test]
async fn deadlines_are_given_in_order_however_they_are_spread() {
    let server = Server::start();
    let store = store_at(&server.url()).await;
    let samples = Samples::new(63);
    let mut messages = samples.messages(400);
    // The shard of a message follows from its last bits.
    messages.sort_by_key(|message| message.id().as_u128() % 16);
    for (millis, message) in (0..).zip(&mut messages) {
        message.progress.deadline = Some(Timestamp::from_millis(millis));
    }
    let ids: Vec<MessageId> = messages.iter().map(Message::id).collect();
    store.insert(messages).await.unwrap();
    for limit in [1, 10, 40, 200, 399, 400, 500] {
        let due = store.due(Timestamp::MAX, limit).await.unwrap();
        assert_eq!(due, ids[..limit.min(400)], "at most {limit}");
    }
    let due = store.due(Timestamp::from_millis(20), 400).await.unwrap();
    assert_eq!(due, ids[..=20]);
}
