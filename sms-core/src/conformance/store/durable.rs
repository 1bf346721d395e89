//! What a store keeps beyond the life of its process.

use futures_util::future::poll_immediate;

use super::{Subject, apply, commit_one, ids, insert_new, load_all, load_one};
use crate::conformance::{Samples, changed, finished};
use crate::{Committed, ListFilter, Message, State, Timestamp};

/// Every field of every one.
pub async fn messages_survive_reopening<R: AsyncFn() -> Subject>(reopen: R) {
    let samples = Samples::new(140);
    let store = reopen().await;
    let mut messages = samples.messages(500);
    messages.push(samples.rich());
    insert_new(&store, &messages).await;
    drop(store);
    let store = reopen().await;
    let expected: Vec<Option<Message>> = messages.iter().cloned().map(Some).collect();
    assert_eq!(load_all(&store, &messages).await, expected);
}

/// Compare-and-set goes on where it was.
pub async fn commits_survive_reopening<R: AsyncFn() -> Subject>(reopen: R) {
    let samples = Samples::new(141);
    let message = samples.message();
    let store = reopen().await;
    insert_new(&store, std::slice::from_ref(&message)).await;
    let change = changed(&message, |progress| progress.state = State::Sending);
    let sending = apply(&store, change.clone()).await;
    drop(store);
    let store = reopen().await;
    let conflict = Committed::Conflict(Box::new(sending.clone()));
    assert_eq!(commit_one(&store, change).await, conflict);
    let ended = apply(&store, finished(&sending, State::Rejected, samples.now())).await;
    drop(store);
    assert_eq!(load_one(&reopen().await, message.id()).await, Some(ended));
}

/// A report may come after a restart.
pub async fn provider_ids_survive_reopening<R: AsyncFn() -> Subject>(reopen: R) {
    let samples = Samples::new(142);
    let (message, key) = (samples.message(), samples.key());
    let store = reopen().await;
    insert_new(&store, std::slice::from_ref(&message)).await;
    let accepted = changed(&message, |progress| {
        progress
            .attempts
            .push(samples.accepted_attempt(1, &key.provider_id));
    });
    apply(&store, accepted).await;
    drop(store);
    let found = reopen().await.find(&[key]).await.expect("find");
    assert_eq!(found, [Some(message.id())]);
}

/// They are what brings every message back after a crash.
pub async fn deadlines_survive_reopening<R: AsyncFn() -> Subject>(reopen: R) {
    let samples = Samples::new(143);
    let messages = samples.messages(20);
    let store = reopen().await;
    insert_new(&store, &messages).await;
    apply(
        &store,
        finished(&messages[0], State::Expired, samples.now()),
    )
    .await;
    drop(store);
    let store = reopen().await;
    let due = store.due(Timestamp::MAX, 100).await.expect("due");
    assert_eq!(due, ids(&messages)[1..]);
    let next = store.next_deadline().await.expect("next deadline");
    assert_eq!(next, messages[1].progress.deadline);
}

/// And are still found to be repeats.
pub async fn parked_reports_survive_reopening<R: AsyncFn() -> Subject>(reopen: R) {
    let samples = Samples::new(144);
    let key = samples.key();
    let report = samples.parked(&key, samples.now());
    let store = reopen().await;
    store.park(vec![report.clone()]).await.expect("park");
    drop(store);
    let store = reopen().await;
    let keys = std::slice::from_ref(&key);
    let expected = std::slice::from_ref(&report);
    assert_eq!(store.parked(keys).await.expect("parked"), expected);
    store.park(vec![report.clone()]).await.expect("park");
    let due = store
        .parked_due(Timestamp::MAX, 10)
        .await
        .expect("parked due");
    assert_eq!(due, expected);
    store.unpark(vec![report]).await.expect("unpark");
    drop(store);
    let store = reopen().await;
    assert_eq!(store.parked(keys).await.expect("parked"), []);
}

/// A page token, too, so that a client can go on after a restart.
pub async fn lists_and_counts_survive_reopening<R: AsyncFn() -> Subject>(reopen: R) {
    let samples = Samples::new(145);
    let mut messages = samples.messages(10);
    let store = reopen().await;
    insert_new(&store, &messages).await;
    apply(&store, finished(&messages[3], State::Failed, samples.now())).await;
    messages.reverse();
    let everything = ListFilter::default();
    let first = store.list(&everything, None, 4).await.expect("list");
    let counts = store.count().await.expect("count");
    drop(store);
    let store = reopen().await;
    assert_eq!(store.count().await.expect("count"), counts);
    let token = first.next.expect("more than one page");
    let rest = store
        .list(&everything, Some(&token), 100)
        .await
        .expect("list");
    assert_eq!(ids(&rest.messages), ids(&messages)[4..]);
    // What is stored now is listed before what was stored then.
    let new = samples.message();
    insert_new(&store, std::slice::from_ref(&new)).await;
    let page = store.list(&everything, None, 1).await.expect("list");
    assert_eq!(ids(&page.messages), [new.id()]);
}

/// Nothing comes back.
pub async fn removal_survives_reopening<R: AsyncFn() -> Subject>(reopen: R) {
    let samples = Samples::new(146);
    let messages = samples.messages(2);
    let store = reopen().await;
    insert_new(&store, &messages).await;
    apply(&store, finished(&messages[0], State::Failed, samples.now())).await;
    let removed = store
        .remove_finished(Timestamp::MAX, 10)
        .await
        .expect("remove");
    assert_eq!(removed, 1);
    drop(store);
    let store = reopen().await;
    assert_eq!(load_one(&store, messages[0].id()).await, None);
    assert_eq!(store.count().await.expect("count").total(), 1);
}

/// A call whose future was dropped is written whole or not at all, and counted as it is.
pub async fn a_dropped_store_has_finished_what_it_was_handed<R: AsyncFn() -> Subject>(reopen: R) {
    let samples = Samples::new(147);
    let store = reopen().await;
    let messages = samples.messages(50);
    for message in &messages {
        let _ = poll_immediate(store.insert(vec![message.clone()])).await;
    }
    drop(store);
    let store = reopen().await;
    let there = load_all(&store, &messages).await;
    let there: Vec<&Message> = there.iter().flatten().collect();
    assert!(there.iter().all(|message| messages.contains(message)));
    let count = store.count().await.expect("count");
    assert_eq!(usize::try_from(count.total()), Ok(there.len()));
    let due = store.due(Timestamp::MAX, 100).await.expect("due");
    assert_eq!(due.len(), there.len());
}
