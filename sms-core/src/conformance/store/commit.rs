//! Committing changes by compare-and-set.

use std::sync::Arc;

use futures_util::future::join_all;

use super::{Subject, apply, commit_one, insert_new, load_all, load_one};
use crate::conformance::{Samples, changed, finished};
use crate::{Change, ClaimToken, Committed, Message, State};

/// The request stays as it was, whatever the change says of it.
pub async fn a_commit_replaces_the_progress_and_nothing_else(store: Subject) {
    let samples = Samples::new(20);
    let before = samples.message();
    insert_new(&store, std::slice::from_ref(&before)).await;
    let rich = samples.rich().progress;
    let mut change = changed(&before, |progress| {
        let version = progress.version;
        *progress = rich.clone();
        progress.version = version;
    });
    let request = Arc::make_mut(&mut change.before.request);
    request.to = samples.rich().request.to;
    let expected = Message {
        request: before.request.clone(),
        progress: change.after.clone(),
    };
    assert_eq!(commit_one(&store, change).await, Committed::Applied);
    assert_eq!(
        load_one(&store, before.id()).await.as_ref(),
        Some(&expected)
    );
    // And back to a progress in which everything optional is absent.
    let bare = changed(&expected, |progress| {
        let version = progress.version;
        *progress = before.progress.clone();
        progress.version = version;
    });
    let expected = apply(&store, bare).await;
    assert_eq!(load_one(&store, before.id()).await, Some(expected));
}

/// Nothing is written, and the caller need not load what it lost against.
pub async fn a_commit_over_an_old_version_conflicts_and_tells_the_current(store: Subject) {
    let samples = Samples::new(21);
    let before = samples.rich();
    insert_new(&store, std::slice::from_ref(&before)).await;
    let current = apply(&store, finished(&before, State::Delivered, samples.now())).await;
    let late = finished(&before, State::Failed, samples.now());
    let answer = commit_one(&store, late).await;
    assert_eq!(answer, Committed::Conflict(Box::new(current.clone())));
    assert_eq!(load_one(&store, before.id()).await, Some(current));
}

/// A caller that lost the answer to its commit learns from the conflict that it was applied.
pub async fn a_repeated_commit_conflicts_with_itself(store: Subject) {
    let samples = Samples::new(22);
    let before = samples.message();
    insert_new(&store, std::slice::from_ref(&before)).await;
    let change = claim(&before, 77);
    let after = apply(&store, change.clone()).await;
    let answer = commit_one(&store, change).await;
    assert_eq!(answer, Committed::Conflict(Box::new(after)));
}

/// It is not created either.
pub async fn a_commit_of_an_unknown_message_is_missing(store: Subject) {
    let samples = Samples::new(23);
    let unknown = samples.message();
    let answer = commit_one(&store, claim(&unknown, 1)).await;
    assert_eq!(answer, Committed::Missing);
    assert_eq!(load_one(&store, unknown.id()).await, None);
    assert_eq!(store.count().await.expect("count").total(), 0);
}

/// The second was decided on what is no longer there.
pub async fn of_two_changes_of_one_message_in_a_call_the_first_is_applied(store: Subject) {
    let samples = Samples::new(24);
    let before = samples.message();
    insert_new(&store, std::slice::from_ref(&before)).await;
    let first = claim(&before, 1);
    let after = Message {
        request: before.request.clone(),
        progress: first.after.clone(),
    };
    let answers = store
        .commit(vec![first, claim(&before, 2)])
        .await
        .expect("commit");
    let conflict = Committed::Conflict(Box::new(after.clone()));
    assert_eq!(answers, [Committed::Applied, conflict]);
    assert_eq!(load_one(&store, before.id()).await, Some(after));
}

/// The items of a call are independent.
pub async fn one_conflict_does_not_keep_the_others_out(store: Subject) {
    let samples = Samples::new(25);
    let before = samples.messages(4);
    insert_new(&store, &before[..3]).await;
    let current = apply(&store, claim(&before[1], 1)).await;
    let changes: Vec<Change> = before.iter().map(|message| claim(message, 2)).collect();
    let answers = store.commit(changes.clone()).await.expect("commit");
    let expected = [
        Committed::Applied,
        Committed::Conflict(Box::new(current.clone())),
        Committed::Applied,
        Committed::Missing,
    ];
    assert_eq!(answers, expected);
    let loaded = load_all(&store, &before).await;
    let versions = loaded
        .iter()
        .flatten()
        .map(|message| message.progress.version);
    assert_eq!(versions.collect::<Vec<_>>(), [2, 2, 2]);
    assert_eq!(loaded[1].as_ref(), Some(&current));
}

/// Exactly one, and the losers are told of it.
pub async fn of_many_concurrent_commits_one_is_applied(store: Subject) {
    let samples = Samples::new(26);
    for _ in 0..20 {
        let before = samples.message();
        insert_new(&store, std::slice::from_ref(&before)).await;
        let tasks = (0..16).map(|token| {
            let (store, change) = (store.clone(), claim(&before, token));
            tokio::spawn(async move { (change.after.clone(), commit_one(&store, change).await) })
        });
        let mut won = Vec::new();
        let mut told = Vec::new();
        for task in join_all(tasks).await {
            match task.expect("the call does not panic") {
                (after, Committed::Applied) => won.push(after),
                (_, Committed::Conflict(current)) => told.push(current.progress),
                (_, other) => panic!("the message is there: {other:?}"),
            }
        }
        assert_eq!(won.len(), 1, "exactly one of the rivals wins");
        assert!(told.iter().all(|progress| *progress == won[0]));
        let now = load_one(&store, before.id())
            .await
            .map(|message| message.progress);
        assert_eq!(now, won.pop());
    }
}

/// The engine gathers up to about a thousand items.
pub async fn a_thousand_changes_fit_into_one_call(store: Subject) {
    let samples = Samples::new(27);
    let before = samples.messages(1_000);
    insert_new(&store, &before).await;
    let changes: Vec<Change> = before.iter().map(|message| claim(message, 9)).collect();
    let expected: Vec<_> = changes.iter().map(|change| change.after.clone()).collect();
    let answers = store.commit(changes).await.expect("commit");
    assert_eq!(answers, vec![Committed::Applied; 1_000]);
    let loaded = load_all(&store, &before).await;
    let progress: Vec<_> = loaded
        .into_iter()
        .flatten()
        .map(|message| message.progress)
        .collect();
    assert_eq!(progress, expected);
}

fn claim(before: &Message, token: u64) -> Change {
    changed(before, |progress| {
        progress.state = State::Sending;
        let samples = Samples::new(token);
        let mut attempt = samples.bare_attempt(before.request.accepted_at);
        attempt.claim = ClaimToken(token);
        progress.attempts.push(attempt);
    })
}
