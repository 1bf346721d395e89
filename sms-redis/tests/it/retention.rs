//! Removing what ended long ago.

use std::time::Duration;

use sms_core::Store;
use sms_core::conformance::{Samples, finished};
use sms_core::{Message, State, Timestamp};

use crate::engines::{engine, provider};
use crate::server::{Server, store_at, wait_until};

/// Others are at the same messages, and have removed every second one: that a removal took less
/// than it asked for is not the end of the backlog.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sweepers_that_share_a_backlog_remove_it_without_waiting_in_between() {
    const BACKLOG: usize = 6_000;
    let server = Server::start();
    let store = store_at(&server.url()).await;
    let samples = Samples::new(98);
    for _ in 0..BACKLOG / 250 {
        let messages = samples.messages(250);
        store.insert(messages.clone()).await.unwrap();
        let at = Timestamp::from_millis(5);
        let end = |message: &Message| finished(message, State::Delivered, at);
        let ends = messages.iter().map(end).collect();
        store.commit(ends).await.unwrap();
    }
    let every_second = "local members = redis.call('ZRANGE', 'sms:{0}:done', 0, -1)
        for i = 1, #members, 2 do redis.call('DEL', 'sms:{0}' .. members[i]) end
        return #members";
    let members = server.ask(&["eval", every_second, "0"]);
    assert_eq!(members.trim(), BACKLOG.to_string());

    let (one, other) = (store_at(&server.url()).await, store_at(&server.url()).await);
    let sweeper = |store| {
        let engine = engine(store, &provider()).retention(Duration::from_secs(3_600));
        engine.build().unwrap()
    };
    let (one, other) = (sweeper(&one), sweeper(&other));
    let running = (one.start(), other.start());
    let begin = std::time::Instant::now();
    wait_until(async || server.ask(&["zcard", "sms:{0}:done"]).trim() == "0").await;
    // The pause between two looks for what is old enough is a quarter of a minute or more.
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    drop(running);
}
