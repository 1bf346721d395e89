//! One server that dies, hangs and forgets.

use std::time::{Duration, Instant};

use sms_core::conformance::Samples;
use sms_core::{Inserted, Store, StoreErrorKind};

use crate::load::{Load, patient};
use crate::server::{DURABLE, Server, store_at, wait_until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_confirmed_survives_the_death_of_the_server() {
    let mut server = Server::start();
    let store = store_at(&server.url()).await;
    let load = Load::start(&store, 1);
    for _ in 0..3 {
        load.progress(1_000).await;
        server.kill();
        server.run();
    }
    load.progress(1_000).await;
    assert!(
        load.failures() > 0,
        "the server died in the middle of calls"
    );
    load.balance(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_costs_a_time_out_and_no_more() {
    let server = Server::start();
    let store = store_at(&format!("{}?timeout=300ms", server.url())).await;
    let load = Load::start(&store, 2);
    load.progress(200).await;
    server.signal("STOP");
    let id = Samples::new(3).message().id();
    // More calls than it takes to give the connection up.
    for _ in 0..5 {
        let begin = Instant::now();
        let error = store.load(&[id]).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert!(
            begin.elapsed() < Duration::from_millis(900),
            "{:?}",
            begin.elapsed()
        );
    }
    server.signal("CONT");
    let begin = Instant::now();
    load.progress(200).await;
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "{:?}",
        begin.elapsed()
    );
    load.balance(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_gone_is_told_in_time_and_found_again() {
    let mut server = Server::start();
    let store = store_at(&format!("{}?timeout=300ms", server.url())).await;
    server.kill();
    for _ in 0..3 {
        let begin = Instant::now();
        let error = store.count().await.unwrap_err();
        assert!(error.is_passing());
        assert!(
            begin.elapsed() < Duration::from_millis(900),
            "{:?}",
            begin.elapsed()
        );
    }
    server.run();
    let message = Samples::new(4).message();
    let inserted = patient(async || store.insert(vec![message.clone()]).await).await;
    assert_eq!(inserted, [Inserted::Created]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_while_nobody_calls_is_not_noticed() {
    let mut server = Server::start();
    let store = store_at(&server.url()).await;
    for seed in 0..3 {
        server.kill();
        server.run();
        // Nothing was under way, so nothing is uncertain: the call waits for the connection.
        let message = Samples::new(10 + seed).message();
        let inserted = store.insert(vec![message]).await.unwrap();
        assert_eq!(inserted, [Inserted::Created]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushed_scripts_are_loaded_again() {
    let server = Server::start();
    let store = store_at(&server.url()).await;
    let load = Load::start(&store, 5);
    for _ in 0..10 {
        load.progress(50).await;
        assert_eq!(server.ask(&["script", "flush"]).trim(), "OK");
    }
    load.progress(50).await;
    assert_eq!(load.failures(), 0);
    load.balance(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closed_connections_are_made_anew() {
    let server = Server::start();
    let store = store_at(&server.url()).await;
    let load = Load::start(&store, 6);
    for _ in 0..5 {
        load.progress(100).await;
        server.ask(&["client", "kill", "type", "normal"]);
    }
    load.progress(100).await;
    load.balance(&store).await;
}

/// A store that is full says so, and keeps what it has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_server_refuses_and_recovers() {
    let server = Server::start();
    let store = store_at(&server.url()).await;
    let load = Load::start(&store, 7);
    load.progress(200).await;
    server.ask(&["config", "set", "maxmemory", "1mb"]);
    let refused = store.insert(Samples::new(8).messages(3)).await;
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("OOM"), "{source}");
    server.ask(&["config", "set", "maxmemory", "0"]);
    load.progress(200).await;
    load.balance(&store).await;
}

/// Nothing is written, so no refused write tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_made_a_replica_is_left_though_nobody_writes() {
    let (server, other) = (Server::start(), Server::start());
    let store = store_at(&server.url()).await;
    let is_connected = async || store.health().servers[0].is_connected;
    wait_until(is_connected).await;
    server.ask(&["replicaof", "127.0.0.1", &other.port.to_string()]);
    wait_until(async || !is_connected().await).await;
    server.ask(&["replicaof", "no", "one"]);
    wait_until(is_connected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_came_back_with_other_settings_is_not_used_until_they_are_set_right() {
    let mut server = Server::start();
    let store = store_at(&format!("{}?timeout=1s", server.url())).await;
    let samples = Samples::new(9);
    store.insert(vec![samples.message()]).await.unwrap();
    server.kill();
    server.set(&["--appendfsync", "everysec"]);
    server.run();
    let refused = store.insert(vec![samples.message()]).await.unwrap_err();
    assert!(refused.is_passing(), "it is asked again");
    let causes = causes(&refused);
    assert!(causes.contains("set appendfsync always"), "{causes}");
    server.ask(&["config", "set", "appendfsync", DURABLE[3]]);
    let message = samples.message();
    let inserted = patient(async || store.insert(vec![message.clone()]).await).await;
    assert_eq!(inserted.len(), 1);
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut all = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        all = format!("{all}: {error}");
        cause = error.source();
    }
    all
}
