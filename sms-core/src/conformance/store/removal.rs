//! Removing what was finished long ago.

use std::time::Duration;

use super::{Subject, apply, ids, insert_new, load_all, load_one};
use crate::conformance::{Samples, changed, finished};
use crate::{ListFilter, Message, State, StateCounts, Timestamp};

/// And those that finished later stay.
pub async fn finished_messages_are_removed(store: Subject) {
    let samples = Samples::new(120);
    let messages = samples.messages(6);
    insert_new(&store, &messages).await;
    for (seconds, message) in (0..).zip(&messages) {
        apply(&store, finished(message, State::Delivered, at(seconds))).await;
    }
    assert_eq!(remove(&store, at(3), 100).await, 3);
    let there = load_all(&store, &messages).await;
    let there: Vec<bool> = there.iter().map(Option::is_some).collect();
    assert_eq!(there, [false, false, false, true, true, true]);
    assert_eq!(remove(&store, at(3), 100).await, 0);
    assert_eq!(remove(&store, Timestamp::MAX, 100).await, 3);
    assert_eq!(load_one(&store, messages[5].id()).await, None);
}

/// "Before" does not mean "at".
pub async fn what_finished_at_the_limit_stays(store: Subject) {
    let samples = Samples::new(121);
    let message = samples.message();
    insert_new(&store, std::slice::from_ref(&message)).await;
    apply(&store, finished(&message, State::Delivered, at(10))).await;
    assert_eq!(remove(&store, at(10), 100).await, 0);
    assert_eq!(
        remove(&store, at(10) + Duration::from_millis(1), 100).await,
        1
    );
}

/// The sweeper works in small steps.
pub async fn removal_takes_no_more_than_asked(store: Subject) {
    let samples = Samples::new(122);
    let messages = samples.messages(25);
    insert_new(&store, &messages).await;
    for message in &messages {
        apply(&store, finished(message, State::Failed, at(0))).await;
    }
    for expected in [10, 10, 5, 0] {
        assert_eq!(remove(&store, at(1), 10).await, expected);
    }
    assert_eq!(remove(&store, at(1), 0).await, 0);
}

/// However old it is, in whatever state.
pub async fn an_unfinished_message_is_never_removed(store: Subject) {
    let samples = Samples::new(123);
    let open = State::ALL.into_iter().filter(|state| !state.is_final());
    let messages: Vec<Message> = open
        .map(|state| {
            let mut message = samples.message();
            message.progress.state = state;
            message
        })
        .collect();
    insert_new(&store, &messages).await;
    let upgraded = samples.message();
    insert_new(&store, std::slice::from_ref(&upgraded)).await;
    let unknown = apply(&store, finished(&upgraded, State::Unknown, at(0))).await;
    // A late report settles what was unknown: it is finished from then on only.
    let settled = apply(&store, finished(&unknown, State::Delivered, at(50))).await;
    assert_eq!(remove(&store, at(50), 100).await, 0);
    assert_eq!(load_one(&store, settled.id()).await, Some(settled));
    assert_eq!(remove(&store, Timestamp::MAX, 100).await, 1);
    let expected: Vec<Option<Message>> = messages.iter().cloned().map(Some).collect();
    assert_eq!(load_all(&store, &messages).await, expected);
}

/// Neither its provider ids, nor its place in lists, nor its count.
pub async fn a_removed_message_leaves_nothing_behind(store: Subject) {
    let samples = Samples::new(124);
    let messages = samples.messages(4);
    insert_new(&store, &messages).await;
    let keys = [(); 4].map(|()| samples.key());
    for (message, key) in messages.iter().zip(&keys) {
        let sent = changed(message, |progress| {
            progress.state = State::Sent;
            progress
                .attempts
                .push(samples.accepted_attempt(1, &key.provider_id));
        });
        let sent = apply(&store, sent).await;
        if message.id() != messages[1].id() {
            apply(&store, finished(&sent, State::Delivered, at(0))).await;
        }
    }
    assert_eq!(remove(&store, at(1), 100).await, 3);
    let found = store.find(&keys).await.expect("find");
    assert_eq!(found, [None, Some(messages[1].id()), None, None]);
    let page = store
        .list(&ListFilter::default(), None, 10)
        .await
        .expect("list");
    assert_eq!(ids(&page.messages), [messages[1].id()]);
    let mut expected = StateCounts::default();
    expected.set(State::Sent, 1);
    assert_eq!(store.count().await.expect("count"), expected);
    let due = store.due(Timestamp::MAX, 10).await.expect("due");
    assert_eq!(due, [messages[1].id()]);
}

/// The later message still needs it.
pub async fn removal_spares_a_provider_id_that_was_given_again(store: Subject) {
    let samples = Samples::new(126);
    let messages = samples.messages(2);
    insert_new(&store, &messages).await;
    let key = samples.key();
    for message in &messages {
        let sent = changed(message, |progress| {
            let attempt = samples.accepted_attempt(1, &key.provider_id);
            progress.attempts.push(attempt);
        });
        let sent = apply(&store, sent).await;
        if message.id() == messages[0].id() {
            apply(&store, finished(&sent, State::Unknown, at(0))).await;
        }
    }
    assert_eq!(remove(&store, at(1), 100).await, 1);
    let found = store.find(&[key]).await.expect("find");
    assert_eq!(found, [Some(messages[1].id())]);
}

/// An idempotency key that is used again long after means a new message.
pub async fn an_id_is_free_again_after_removal(store: Subject) {
    let samples = Samples::new(125);
    let old = samples.message();
    insert_new(&store, std::slice::from_ref(&old)).await;
    apply(&store, finished(&old, State::Delivered, at(0))).await;
    assert_eq!(remove(&store, at(1), 100).await, 1);
    let new = samples.message_with(|request| request.id = old.id());
    insert_new(&store, std::slice::from_ref(&new)).await;
    assert_eq!(load_one(&store, new.id()).await, Some(new));
}

async fn remove(store: &Subject, before: Timestamp, limit: usize) -> usize {
    store
        .remove_finished(before, limit)
        .await
        .expect("remove finished")
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000) + Duration::from_secs(seconds)
}
