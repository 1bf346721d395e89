//! A master that sentinels replace.

use std::time::Duration;

use sms_core::conformance::Samples;
use sms_core::{Inserted, Store};
use tokio::time::{Instant, sleep};

use crate::load::patient;
use crate::server::{DURABLE, Server, free_port, store_at};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_new_master_is_found() {
    let mut master = Server::start();
    let follows = format!("127.0.0.1 {}", master.port);
    let replica = Server::start_with(&[&DURABLE[..], &["--replicaof", &follows]].concat());
    let mut sentinel = Server::prepare(free_port(), &["--sentinel"]);
    let configuration = format!(
        "sentinel monitor main 127.0.0.1 {} 1\n\
         sentinel down-after-milliseconds main 1000\n\
         sentinel failover-timeout main 5000\n",
        master.port
    );
    std::fs::write(sentinel.path("redis.conf"), configuration).unwrap();
    sentinel.run();
    wait_until(async || {
        let known = sentinel.ask(&["sentinel", "replicas", "main"]);
        let linked = replica.ask(&["role"]).contains("connected");
        linked && known.contains(&replica.port.to_string())
    })
    .await;

    let url = format!("redis+sentinel://127.0.0.1:{}/main", sentinel.port);
    let careful = store_at(&format!("{url}?wait_replicas=1")).await;
    let store = store_at(&url).await;
    let samples = Samples::new(40);
    let messages = samples.messages(100);
    careful.insert(messages.clone()).await.unwrap();

    master.kill();
    let later = samples.message();
    let inserted = patient(async || store.insert(vec![later.clone()]).await).await;
    assert_eq!(inserted, [Inserted::Created]);
    assert!(replica.ask(&["role"]).starts_with("master"));
    let ids: Vec<_> = messages.iter().map(sms_core::Message::id).collect();
    let loaded = store.load(&ids).await.unwrap();
    let expected: Vec<_> = messages.into_iter().map(Some).collect();
    assert_eq!(loaded, expected);
    // Nobody is left to confirm: that is an error, not a promise.
    let refused = careful.insert(vec![samples.message()]).await.unwrap_err();
    let source = std::error::Error::source(&refused).unwrap().to_string();
    assert!(source.contains("0 of 1 replicas"), "{source}");
}

async fn wait_until(is_so: impl AsyncFn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is_so().await {
        assert!(Instant::now() < end, "it does not come so");
        sleep(Duration::from_millis(100)).await;
    }
}
