//! Removing what was finished gives room back.

use std::fs;

use sms_core::conformance::{Samples, changed, finished};
use sms_core::{Attempt, State, Store, Timestamp};
use sms_sqlite::SqliteStore;

use crate::books;

#[tokio::test]
async fn the_file_shrinks_when_most_of_it_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sms.db");
    let store = SqliteStore::open(&path).unwrap();
    let samples = Samples::new(1);
    for _ in 0..20 {
        let messages = samples.messages(500);
        store.insert(messages.clone()).await.unwrap();
        let ended = messages
            .iter()
            .map(|message| finished(message, State::Failed, samples.now()));
        store.commit(ended.collect()).await.unwrap();
    }
    drop(store);
    let full = fs::metadata(&path).unwrap().len();
    let store = SqliteStore::open(&path).unwrap();
    while store.remove_finished(Timestamp::MAX, 500).await.unwrap() > 0 {}
    books::balance(&store).await;
    drop(store);
    let empty = fs::metadata(&path).unwrap().len();
    assert!(empty < full / 4, "{full} bytes before, {empty} after");
}

/// An answer may name another id than a report did before it: both lead to the message, and
/// neither stays when it goes.
#[tokio::test]
async fn a_provider_id_that_was_replaced_goes_with_its_message() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("sms.db")).unwrap();
    let samples = Samples::new(2);
    let message = samples.message();
    store.insert(vec![message.clone()]).await.unwrap();
    let (early, late) = (samples.key(), samples.key());
    let attempt =
        |key: &sms_core::ReportKey| -> Attempt { samples.accepted_attempt(1, &key.provider_id) };
    let reported = changed(&message, |progress| {
        progress.attempts = vec![attempt(&early)];
        let mut report = samples.report();
        report.provider_id = Some(early.provider_id.clone());
        progress.reports = vec![report];
    });
    let mut now = message;
    now.progress = reported.after.clone();
    store.commit(vec![reported]).await.unwrap();
    let answered = changed(&now, |progress| progress.attempts = vec![attempt(&late)]);
    now.progress = answered.after.clone();
    store.commit(vec![answered]).await.unwrap();
    let keys = [early, late];
    assert_eq!(store.find(&keys).await.unwrap(), [Some(now.id()); 2]);
    let end = finished(&now, State::Delivered, Timestamp::from_millis(1));
    store.commit(vec![end]).await.unwrap();
    assert_eq!(store.remove_finished(Timestamp::MAX, 10).await.unwrap(), 1);
    assert_eq!(store.find(&keys).await.unwrap(), [None; 2]);
    books::balance(&store).await;
}

/// A provider that starts to count anew gives an old id again.
#[tokio::test]
async fn a_provider_id_that_was_given_again_leads_to_the_new_message() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("sms.db")).unwrap();
    let samples = Samples::new(3);
    let messages = samples.messages(2);
    store.insert(messages.clone()).await.unwrap();
    let key = samples.key();
    for message in &messages {
        let mut change = finished(message, State::Delivered, message.request.accepted_at);
        change.after.attempts = vec![samples.accepted_attempt(1, &key.provider_id)];
        store.commit(vec![change]).await.unwrap();
    }
    let keys = [key];
    assert_eq!(store.find(&keys).await.unwrap(), [Some(messages[1].id())]);
    // The old message takes only what is its own with it.
    let second = messages[1].request.accepted_at;
    assert_eq!(store.remove_finished(second, 10).await.unwrap(), 1);
    assert_eq!(store.find(&keys).await.unwrap(), [Some(messages[1].id())]);
}
