//! A disk that is full, and other calls that fail.

use rusqlite::Connection;
use sms_core::conformance::{Samples, finished};
use sms_core::{State, Store, StoreErrorKind, Timestamp};
use sms_sqlite::{Options, SqliteStore};

use crate::books;

fn small(path: &std::path::Path) -> SqliteStore {
    let mut options = Options::default();
    options.max_bytes = Some(1024 * 1024);
    SqliteStore::open_with(path, &options).unwrap()
}

#[tokio::test]
async fn a_full_file_refuses_what_is_new_and_takes_it_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let store = small(&folder.path().join("sms.db"));
    let samples = Samples::new(1);
    let mut stored = Vec::new();
    let error = loop {
        let messages = samples.messages(100);
        match store.insert(messages.clone()).await {
            Ok(_) => stored.extend(messages),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(
        error.is_passing() && stored.len() > 500,
        "{} messages",
        stored.len()
    );
    books::balance(&store).await;
    // What was acknowledged is there, and can be worked off without more room.
    let ids: Vec<_> = stored.iter().map(sms_core::Message::id).collect();
    let loaded = store.load(&ids).await.unwrap();
    assert!(loaded.iter().flatten().eq(&stored));
    for some in stored[..400].chunks(50) {
        let long_ago = Timestamp::from_millis(1);
        let ended = some
            .iter()
            .map(|message| finished(message, State::Failed, long_ago));
        store.commit(ended.collect()).await.unwrap();
        store.remove_finished(Timestamp::MAX, 50).await.unwrap();
    }
    store
        .insert(samples.messages(100))
        .await
        .expect("there is room again");
    books::balance(&store).await;
}

#[tokio::test]
async fn a_call_that_needs_too_much_room_does_not_take_others_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = small(&folder.path().join("sms.db"));
    let samples = Samples::new(2);
    let (too_many, few) = (samples.messages(5_000), samples.messages(5));
    // Handed over together: they share a transaction.
    let (first, second, third) = tokio::join!(
        store.insert(few[..2].to_vec()),
        store.insert(too_many),
        store.insert(few[2..].to_vec()),
    );
    assert_eq!(second.unwrap_err().kind(), StoreErrorKind::Unavailable);
    assert!(first.is_ok() && third.is_ok());
    assert_eq!(store.count().await.unwrap().total(), 5);
    books::balance(&store).await;
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_corrupt_and_its_content_is_not_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sms.db");
    let store = SqliteStore::open(&path).unwrap();
    let samples = Samples::new(3);
    let messages = samples.messages(2);
    store.insert(messages.clone()).await.unwrap();
    let tool = Connection::open(&path).unwrap();
    let broken = messages[0].id();
    tool.execute(
        "UPDATE progress SET attempts = '[\"+79991112233\"]' \
         WHERE seq = (SELECT seq FROM message WHERE id = ?1)",
        [broken.as_bytes()],
    )
    .unwrap();
    let error = store.load(&[broken]).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        source.contains("attempts") && source.contains(&broken.to_string()),
        "{source}"
    );
    assert!(!format!("{error:?}").contains("9991112233"), "{error:?}");
    // The others are not affected, and retention takes the broken one in the end.
    let other = store.load(&[messages[1].id()]).await.unwrap();
    assert_eq!(other, [Some(messages[1].clone())]);
    let long_ago = Timestamp::from_millis(1);
    let ended = finished(&messages[0], State::Failed, long_ago);
    store.commit(vec![ended]).await.unwrap();
    assert_eq!(store.remove_finished(Timestamp::MAX, 10).await.unwrap(), 1);
}
