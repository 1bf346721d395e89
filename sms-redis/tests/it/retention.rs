//! Removing what ended long ago.

use std::time::Duration;

use sms_core::Store;
use sms_core::conformance::{Samples, finished};
use sms_core::{Message, State, Timestamp};

use crate::engines::{engine, provider};
use crate::server::{Server, store_at, wait_until};

/// They find the same messages at the same time, and each removes a part of them: that is not the
/// end of the backlog.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sweepers_remove_a_backlog_without_waiting_in_between() {
    const BACKLOG: usize = 6_000;
    let server = Server::start();
    let store = store_at(&server.url()).await;
    let samples = Samples::new(98);
    for _ in 0..BACKLOG / 250 {
        let messages = samples.messages(250);
        store.insert(messages.clone()).await.unwrap();
        let end =
            |message: &Message| finished(message, State::Delivered, Timestamp::from_millis(5));
        store
            .commit(messages.iter().map(end).collect())
            .await
            .unwrap();
    }
    let (one, other) = (store_at(&server.url()).await, store_at(&server.url()).await);
    let sweeper = |store| {
        let engine = engine(store, &provider()).retention(Duration::from_secs(3_600));
        engine.build().unwrap()
    };
    let (one, other) = (sweeper(&one), sweeper(&other));
    let running = (one.start(), other.start());
    let begin = std::time::Instant::now();
    wait_until(async || store.count().await.unwrap().total() == 0).await;
    // The pause between two looks for what is old enough is half a minute.
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "{:?}",
        begin.elapsed()
    );
    drop(running);
}
