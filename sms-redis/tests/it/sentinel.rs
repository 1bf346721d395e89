//! A master that sentinels replace.

use sms_core::conformance::Samples;
use sms_core::{Inserted, Store};
use sms_redis::{ConnectError, Options, RedisStore};

use crate::load::patient;
use crate::server::{Server, free_port, store_at, wait_until};

/// A sentinel that calls this server `main`.
fn sentinel_of(master: &Server) -> Server {
    let mut sentinel = Server::prepare(free_port(), &["--sentinel"]);
    let configuration = format!(
        "sentinel monitor main 127.0.0.1 {} 1\n\
         sentinel down-after-milliseconds main 1000\n\
         sentinel failover-timeout main 5000\n",
        master.port
    );
    std::fs::write(sentinel.path("redis.conf"), configuration).unwrap();
    sentinel.run();
    sentinel
}

async fn until_known(sentinel: &Server, replica: &Server) {
    wait_until(async || {
        let known = sentinel.ask(&["sentinel", "replicas", "main"]);
        known.contains(&replica.port.to_string())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_new_master_is_found() {
    let mut master = Server::start();
    let replica = master.start_replica(&[]).await;
    let sentinel = sentinel_of(&master);
    until_known(&sentinel, &replica).await;

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

/// The old one answers as before, and takes itself for a master: cut off from the sentinels, it
/// would confirm what is lost when it comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_sentinels_no_longer_name_is_left_although_it_is_well() {
    let (old, new) = (Server::start(), Server::start());
    let sentinel = sentinel_of(&old);
    let url = format!("redis+sentinel://127.0.0.1:{}/main", sentinel.port);
    let store = store_at(&url).await;
    let made = store.health().servers[0].connections;
    sentinel.ask(&["sentinel", "remove", "main"]);
    let port = new.port.to_string();
    sentinel.ask(&["sentinel", "monitor", "main", "127.0.0.1", &port, "1"]);
    // Nobody calls meanwhile. There are two connections.
    wait_until(async || store.health().servers[0].connections >= made + 2).await;
    wait_until(async || store.health().servers[0].is_connected).await;
    let message = Samples::new(41).message();
    store.insert(vec![message]).await.unwrap();
    assert_eq!(new.ask(&["zcard", "sms:{0}:all"]).trim(), "1");
    assert_eq!(old.ask(&["zcard", "sms:{0}:all"]).trim(), "0");
}

/// It may be the master tomorrow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_may_lose_messages_is_refused_at_the_start() {
    let master = Server::start();
    let replica = master.start_replica(&["--appendfsync", "everysec"]).await;
    let sentinel = sentinel_of(&master);
    until_known(&sentinel, &replica).await;
    let url = format!("redis+sentinel://127.0.0.1:{}/main", sentinel.port);
    let options: Options = url.parse().unwrap();
    match RedisStore::connect(&options).await {
        Err(ConnectError::NotDurable { server, key, .. }) => {
            assert!(server.ends_with(&replica.port.to_string()), "{server}");
            assert_eq!(key, "dangerously_allow_late_fsync");
        }
        other => panic!("{other:?}"),
    }
}
