//! Inserting and loading.

use std::time::Duration;

use futures_util::future::{join_all, poll_immediate};

use super::{Subject, ids, insert_new, load_all, load_one};
use crate::conformance::Samples;
use crate::conformance::samples::text;
use crate::{
    Encoding, Inserted, ListFilter, Message, MessageText, Priority, State, StateCounts, Timestamp,
    UnknownPolicy,
};

/// Nothing is found, due, parked, listed or counted in an empty store, and none of it is an error.
pub async fn an_empty_store_answers_everything(store: Subject) {
    let samples = Samples::new(1);
    let late = Timestamp::MAX;
    assert_eq!(load_one(&store, samples.message().id()).await, None);
    assert_eq!(store.find(&[samples.key()]).await.expect("find"), [None]);
    assert_eq!(store.due(late, 10).await.expect("due"), []);
    assert_eq!(store.next_deadline().await.expect("next deadline"), None);
    assert_eq!(store.parked(&[samples.key()]).await.expect("parked"), []);
    assert_eq!(store.parked_due(late, 10).await.expect("parked due"), []);
    let page = store
        .list(&ListFilter::default(), None, 10)
        .await
        .expect("list");
    assert!(page.messages.is_empty() && page.next.is_none());
    assert_eq!(store.count().await.expect("count"), StateCounts::default());
    assert_eq!(store.remove_finished(late, 10).await.expect("remove"), 0);
}

/// A call about no item is answered with no entry.
pub async fn calls_without_items_do_nothing(store: Subject) {
    assert_eq!(store.insert(Vec::new()).await.expect("insert"), []);
    assert_eq!(store.load(&[]).await.expect("load"), []);
    assert_eq!(store.commit(Vec::new()).await.expect("commit"), []);
    assert_eq!(store.find(&[]).await.expect("find"), []);
    store.park(Vec::new()).await.expect("park");
    assert_eq!(store.parked(&[]).await.expect("parked"), []);
    store.unpark(Vec::new()).await.expect("unpark");
}

/// Every field survives, present or absent.
pub async fn a_message_comes_back_as_it_was_stored(store: Subject) {
    let samples = Samples::new(2);
    let mut sent = vec![samples.message(), samples.rich()];
    for from in ["+79991234567", "12345", "A b&c-9"] {
        sent.push(samples.message_with(|request| {
            request.from = Some(from.parse().expect("a sender"));
        }));
    }
    for priority in Priority::ALL {
        sent.push(samples.message_with(|request| request.priority = priority));
    }
    for policy in [UnknownPolicy::PreferDuplicate, UnknownPolicy::PreferLoss] {
        sent.push(samples.message_with(|request| request.on_unknown = policy));
    }
    insert_new(&store, &sent).await;
    let expected: Vec<Option<Message>> = sent.iter().cloned().map(Some).collect();
    assert_eq!(load_all(&store, &sent).await, expected);
}

/// Every state survives, and every state that a message is to end in.
pub async fn a_message_in_any_state_comes_back_as_it_was_stored(store: Subject) {
    let samples = Samples::new(3);
    let in_state = |state: State| {
        let mut message = samples.message();
        message.progress.state = state;
        message.progress.ending = state.is_final().then_some(state);
        if state.is_final() {
            message.progress.deadline = None;
        }
        message
    };
    let sent: Vec<Message> = State::ALL.into_iter().map(in_state).collect();
    insert_new(&store, &sent).await;
    let expected: Vec<Option<Message>> = sent.iter().cloned().map(Some).collect();
    assert_eq!(load_all(&store, &sent).await, expected);
}

/// A text is kept to the last character, whatever it means to the store's own language.
pub async fn texts_come_back_whatever_their_characters(store: Subject) {
    let samples = Samples::new(4);
    let texts = [
        "'; DROP TABLE message; --",
        "{\"json\": [null, \"\\u0000\"]}",
        "*3\r\n$3\r\nSET\r\n",
        "日本語のテキスト",
        "العربية من اليمين",
        "e\u{301} is not é",
        "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}\u{200D}\u{1F466} and \u{10FFFD}",
        " leading, trailing \t\u{0C}\n",
    ];
    let with_text = |words: &&str| samples.message_with(|request| request.text = text(words));
    let sent: Vec<Message> = texts.iter().map(with_text).collect();
    insert_new(&store, &sent).await;
    let loaded = load_all(&store, &sent).await;
    for (message, words) in loaded.iter().zip(texts) {
        let stored = message
            .as_ref()
            .map(|message| message.request.text.as_str());
        assert_eq!(stored, Some(words));
    }
}

/// 20 kB are within what can be sent.
pub async fn the_longest_text_comes_back(store: Subject) {
    let samples = Samples::new(5);
    let long: MessageText = text(&"0123456789".repeat(2_000));
    let sent = samples.message_with(|request| {
        request.text = long.clone();
        request.segments = 131;
        request.encoding = Encoding::Gsm7;
    });
    insert_new(&store, std::slice::from_ref(&sent)).await;
    assert_eq!(load_one(&store, sent.id()).await, Some(sent));
}

/// One entry for each id, in their order; an id that is asked twice is answered twice.
pub async fn load_answers_in_the_order_of_the_ids(store: Subject) {
    let samples = Samples::new(6);
    let sent = samples.messages(3);
    insert_new(&store, &sent).await;
    let unknown = samples.message();
    let asked = [sent[2].clone(), unknown, sent[0].clone(), sent[2].clone()];
    let mut expected = asked.clone().map(Some);
    expected[1] = None;
    assert_eq!(load_all(&store, &asked).await, expected);
}

/// A call that began after another had returned sees what that one wrote.
pub async fn what_has_returned_is_seen(store: Subject) {
    let samples = Samples::new(7);
    for message in samples.messages(100) {
        insert_new(&store, std::slice::from_ref(&message)).await;
        assert_eq!(load_one(&store, message.id()).await, Some(message));
    }
}

/// The answer carries the message that has the id.
pub async fn an_id_that_is_taken_keeps_its_message(store: Subject) {
    let samples = Samples::new(8);
    let first = samples.rich();
    insert_new(&store, std::slice::from_ref(&first)).await;
    let second = samples.message_with(|request| request.id = first.id());
    let answer = store.insert(vec![second]).await.expect("insert");
    assert_eq!(answer, [Inserted::Exists(Box::new(first.clone()))]);
    assert_eq!(load_one(&store, first.id()).await, Some(first));
    assert_eq!(store.count().await.expect("count").total(), 1);
}

/// The second is told of the first.
pub async fn of_two_with_one_id_in_a_call_the_first_is_written(store: Subject) {
    let samples = Samples::new(9);
    let first = samples.message();
    let second = samples.message_with(|request| request.id = first.id());
    let answers = store
        .insert(vec![first.clone(), second])
        .await
        .expect("insert");
    let exists = Inserted::Exists(Box::new(first.clone()));
    assert_eq!(answers, [Inserted::Created, exists]);
    assert_eq!(load_one(&store, first.id()).await, Some(first));
}

/// One is created, and all the others are told of that one.
pub async fn of_many_concurrent_inserts_of_one_id_one_is_written(store: Subject) {
    let samples = Samples::new(10);
    for _ in 0..10 {
        let first = samples.message();
        let rival = |_| samples.message_with(|request| request.id = first.id());
        let tasks = (0..16).map(rival).map(|message| {
            let store = store.clone();
            tokio::spawn(async move { (message.clone(), store.insert(vec![message]).await) })
        });
        let mut created = Vec::new();
        let mut told = Vec::new();
        for task in join_all(tasks).await {
            let (message, answer) = task.expect("the call does not panic");
            match answer.expect("insert").remove(0) {
                Inserted::Created => created.push(message),
                Inserted::Exists(current) => told.push(*current),
            }
        }
        assert_eq!(created.len(), 1, "one of the rivals is written");
        assert!(told.iter().all(|current| *current == created[0]));
        assert_eq!(load_one(&store, first.id()).await, created.pop());
    }
}

/// The items of a call are independent.
pub async fn one_taken_id_does_not_keep_the_others_out(store: Subject) {
    let samples = Samples::new(11);
    let mut batch = samples.messages(3);
    insert_new(&store, &batch[1..2]).await;
    let taken = batch[1].clone();
    batch[1] = samples.message_with(|request| request.id = taken.id());
    let answers = store.insert(batch.clone()).await.expect("insert");
    let exists = Inserted::Exists(Box::new(taken.clone()));
    assert_eq!(answers, [Inserted::Created, exists, Inserted::Created]);
    batch[1] = taken;
    let expected: Vec<Option<Message>> = batch.iter().cloned().map(Some).collect();
    assert_eq!(load_all(&store, &batch).await, expected);
}

/// The engine gathers up to about a thousand items.
pub async fn a_thousand_messages_fit_into_one_call(store: Subject) {
    let samples = Samples::new(12);
    let sent = samples.messages(1_000);
    insert_new(&store, &sent).await;
    let expected: Vec<Option<Message>> = sent.iter().cloned().map(Some).collect();
    assert_eq!(load_all(&store, &sent).await, expected);
    assert_eq!(
        store.count().await.expect("count").get(State::Queued),
        1_000
    );
    let mut due = store.due(Timestamp::MAX, 1_000).await.expect("due");
    due.sort();
    let mut all = ids(&sent);
    all.sort();
    assert_eq!(due, all);
}

/// A call whose future was dropped may or may not have written; repeating it is safe.
pub async fn a_dropped_insert_can_be_repeated(store: Subject) {
    let samples = Samples::new(13);
    for _ in 0..20 {
        let message = samples.message();
        // Polled once, then dropped: it may have left for the store or not.
        let _ = poll_immediate(store.insert(vec![message.clone()])).await;
        let answer = store
            .insert(vec![message.clone()])
            .await
            .expect("insert")
            .remove(0);
        let repeated = Inserted::Exists(Box::new(message.clone()));
        assert!(
            answer == Inserted::Created || answer == repeated,
            "{answer:?}"
        );
        assert_eq!(load_one(&store, message.id()).await, Some(message));
    }
    // What was cut off has had time to arrive: it must not have been counted twice.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(store.count().await.expect("count").total(), 20);
}
