//! A broker that cannot be reached, and a network that fails.

use std::time::{Duration, Instant};

use sms_amqp::{AmqpQueue, ConnectError, LinkState};
use sms_core::{Priority, Queue};
use tokio::net::TcpListener;

use crate::broker;
use crate::proxy::Proxy;
use crate::setup::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_starts_without_the_broker_and_says_so_and_works_once_the_broker_is_there() {
    let broker = broker::shared().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let queue = connect(&format!("amqp://127.0.0.1:{port}"), &impatient()).await;
    assert!(matches!(queue.health().link, LinkState::Down { .. }));
    assert!(!queue.health().is_ready());

    let hint = hint(Priority::Normal, 3);
    let start = Instant::now();
    queue.push(vec![hint.clone()]).await.unwrap_err();
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );

    let _proxy = Proxy::start_on(port, broker.port).await;
    until(&queue, |health| health.is_ready()).await;
    queue.push(vec![hint.clone()]).await.unwrap();
    take_all(&queue, hint.ids.into_iter().collect()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_it_has_been_down_for_long_pushes_fail_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let queue = connect(&format!("amqp://127.0.0.1:{port}"), &options()).await;
    queue.push(vec![hint(Priority::Otp, 1)]).await.unwrap_err();
    let start = Instant::now();
    for _ in 0..20 {
        queue.push(vec![hint(Priority::Otp, 1)]).await.unwrap_err();
    }
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_refused_at_the_start() {
    let broker = broker::shared().await;
    let url = format!("amqp://guest:geheim@127.0.0.1:{}/", broker.port);
    let error = AmqpQueue::connect(&url, options()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Refused { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("geheim"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_virtual_host_is_refused_at_the_start() {
    let broker = broker::shared().await;
    let url = format!("amqp://127.0.0.1:{}/nowhere", broker.port);
    let error = AmqpQueue::connect(&url, options()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Refused { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_network_costs_no_hint_that_was_taken() {
    let broker = broker::shared().await;
    let proxy = Proxy::start(broker.port).await;
    let queue = connect(&proxy.url(), &impatient()).await;
    for round in 1..=3 {
        let first = hint(Priority::Normal, 2);
        push_until_taken(&queue, &first).await;
        let in_hand = lease(&queue, 1).await;
        proxy.cut();
        // A push across the cut is repeated over the next connection.
        let second = hint(Priority::Otp, 2);
        push_until_taken(&queue, &second).await;
        // What was leased over the old connection cannot be acknowledged any more: it comes again.
        acknowledge(&queue, in_hand).await;
        let expected = first.ids.into_iter().chain(second.ids).collect();
        take_all(&queue, expected).await;
        assert!(queue.health().connections > round);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_swallows_everything_is_noticed_without_heartbeats() {
    let broker = broker::shared().await;
    let proxy = Proxy::start(broker.port).await;
    let url = format!("{}?heartbeat=600", proxy.url());
    let options = impatient();
    let queue = connect(&url, &options).await;
    let before = hint(Priority::Normal, 1);
    queue.push(vec![before.clone()]).await.unwrap();
    take_all(&queue, before.ids.into_iter().collect()).await;

    proxy.silence(true);
    let start = Instant::now();
    queue
        .push(vec![hint(Priority::Normal, 1)])
        .await
        .unwrap_err();
    let bound = options.timeout + Duration::from_secs(1);
    assert!(start.elapsed() < bound, "{:?}", start.elapsed());
    until(&queue, |health| !health.is_ready()).await;

    proxy.silence(false);
    proxy.cut();
    let after = hint(Priority::Normal, 1);
    push_until_taken(&queue, &after).await;
    take_all(&queue, after.ids.into_iter().collect()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_is_dropped_at_any_time_loses_no_task() {
    let broker = broker::shared().await;
    let queue = connect(&broker.url(), &options()).await;
    let mut missing = std::collections::HashSet::new();
    for round in 0..300_u64 {
        let hint = hint(Priority::Normal, 1);
        missing.extend(hint.ids.iter().copied());
        queue.push(vec![hint]).await.unwrap();
        let patience = Duration::from_micros(round * 37 % 2_000);
        let leased = tokio::time::timeout(patience, queue.lease(&main(), 2)).await;
        let tasks = leased.map(Result::unwrap).unwrap_or_default();
        for id in tasks.iter().flat_map(|task| &task.ids) {
            missing.remove(id);
        }
        acknowledge(&queue, tasks).await;
    }
    take_all(&queue, missing).await;
}
