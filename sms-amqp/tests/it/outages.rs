//! A broker that dies, stands still, throws us out, or runs out of memory.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sms_amqp::{AmqpQueue, LinkState};
use sms_core::{MessageId, Priority, Queue};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use crate::broker::{self, Exclusive};
use crate::setup::*;

/// What a producer saw until it was told to stop.
struct Produced {
    taken: HashSet<MessageId>,
    failures: usize,
    slowest: Duration,
}

async fn produce(queue: Arc<AmqpQueue>, stop: Arc<AtomicBool>) -> Produced {
    let mut produced = Produced {
        taken: HashSet::new(),
        failures: 0,
        slowest: Duration::ZERO,
    };
    while !stop.load(Ordering::Relaxed) {
        let hints = Priority::ALL.map(|priority| hint(priority, 4)).to_vec();
        let ids: Vec<_> = hints.iter().flat_map(|hint| hint.ids.clone()).collect();
        let start = Instant::now();
        match queue.push(hints).await {
            Ok(()) => produced.taken.extend(ids),
            Err(_) => produced.failures += 1,
        }
        produced.slowest = produced.slowest.max(start.elapsed());
        sleep(Duration::from_millis(5)).await;
    }
    produced
}

/// Leases and acknowledges until nothing has come for a while after the end of production.
async fn consume(queue: Arc<AmqpQueue>, stop: Arc<AtomicBool>) -> HashSet<MessageId> {
    let mut seen = HashSet::new();
    loop {
        match timeout(Duration::from_secs(3), queue.lease(&main(), 50)).await {
            Ok(tasks) => {
                let tasks = tasks.unwrap();
                seen.extend(tasks.iter().flat_map(|task| task.ids.iter().copied()));
                let receipts = tasks.into_iter().map(|task| task.receipt).collect();
                // It may fail: then the tasks come again.
                let _ = queue.acknowledge(receipts).await;
            }
            Err(_) if stop.load(Ordering::Relaxed) => return seen,
            Err(_) => {}
        }
    }
}

/// Load before, during and after an outage: whatever push said it took is leased in the end, and
/// no push took much longer than it may.
async fn survives(broker: Exclusive, outage: impl FnOnce(&mut Exclusive) + Send + 'static) {
    let options = impatient();
    let url = format!("{}?heartbeat=2", broker.url());
    let api = Arc::new(connect(&url, &options).await);
    let worker = Arc::new(connect(&url, &options).await);
    let (stop_producing, stop_consuming) = (Arc::<AtomicBool>::default(), Arc::default());
    let producer = tokio::spawn(produce(Arc::clone(&api), Arc::clone(&stop_producing)));
    let consumer = tokio::spawn(consume(Arc::clone(&worker), Arc::clone(&stop_consuming)));
    sleep(Duration::from_millis(700)).await;

    let mut broker = broker;
    let broker = spawn_blocking(move || {
        outage(&mut broker);
        broker
    });
    let broker = broker.await.unwrap();
    until(&api, |health| health.is_ready() && health.connections > 1).await;
    until(&worker, |health| {
        health.is_ready() && health.connections > 1
    })
    .await;
    push_until_taken(&api, &hint(Priority::High, 1)).await;
    sleep(Duration::from_millis(700)).await;

    stop_producing.store(true, Ordering::Relaxed);
    let produced = producer.await.unwrap();
    stop_consuming.store(true, Ordering::Relaxed);
    let seen = consumer.await.unwrap();
    let lost = produced.taken.difference(&seen).count();
    assert_eq!(lost, 0, "of {} that were taken", produced.taken.len());
    assert!(produced.taken.len() > 200, "{}", produced.taken.len());
    let bound = options.timeout + Duration::from_secs(1);
    assert!(produced.slowest < bound, "{:?}", produced.slowest);
    println!(
        "taken {}, failed pushes {}, slowest push {:?}",
        produced.taken.len(),
        produced.failures,
        produced.slowest
    );
    drop(broker);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_killed_under_load_loses_no_hint_that_it_took() {
    let broker = broker::exclusive().await;
    survives(broker, |broker| {
        broker.write_down_queues();
        broker.kill();
        std::thread::sleep(Duration::from_secs(1));
        broker.restart();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_stood_still_for_longer_than_the_heartbeats_is_used_again() {
    let broker = broker::exclusive().await;
    survives(broker, |broker| {
        broker.freeze();
        std::thread::sleep(Duration::from_secs(8));
        broker.thaw();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_the_operator_closed_are_made_again() {
    let broker = broker::exclusive().await;
    survives(broker, |broker| {
        broker.ctl(&["close_all_connections", "test"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_short_of_memory_takes_no_hints_but_acknowledgements() {
    let broker = broker::exclusive().await;
    let queue = connect(&broker.url(), &impatient()).await;
    let before = hint(Priority::Normal, 3);
    queue.push(vec![before.clone()]).await.unwrap();
    let in_hand = lease(&queue, 3).await;

    broker.ctl(&["set_vm_memory_high_watermark", "0.00001"]);
    let start = Instant::now();
    // The broker tells only those who publish.
    queue
        .push(vec![hint(Priority::Normal, 1)])
        .await
        .unwrap_err();
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
    until(&queue, |health| {
        matches!(health.link, LinkState::Blocked { .. })
    })
    .await;
    let start = Instant::now();
    for _ in 0..20 {
        queue
            .push(vec![hint(Priority::Normal, 1)])
            .await
            .unwrap_err();
    }
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    timeout(Duration::from_secs(1), acknowledge(&queue, in_hand))
        .await
        .expect("acknowledgements are not held up");
    assert_eq!(queue.health().connections, 1, "nothing was wrong with it");

    broker.ctl(&["set_vm_memory_high_watermark", "0.8"]);
    until(&queue, |health| health.is_ready()).await;
    let after = hint(Priority::Normal, 3);
    push_until_taken(&queue, &after).await;
    take_all(&queue, after.ids.into_iter().collect()).await;
}
