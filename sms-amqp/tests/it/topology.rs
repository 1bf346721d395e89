//! Queues that somebody deleted, made otherwise, or reads as well.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use lapin::options::QueueDeleteOptions;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use sms_core::{Priority, Queue};
use tokio::time::sleep;

use crate::broker;
use crate::setup::*;

fn arguments(entries: &[(&'static str, AMQPValue)]) -> FieldTable {
    let mut arguments = FieldTable::default();
    for (key, value) in entries {
        arguments.insert((*key).into(), value.clone());
    }
    arguments
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_deleted_under_its_consumer_is_made_again() {
    let broker = broker::shared().await;
    let options = impatient();
    let queue = connect(&broker.url(), &options).await;
    let first = hint(Priority::Normal, 2);
    queue.push(vec![first.clone()]).await.unwrap();
    take_all(&queue, first.ids.into_iter().collect()).await;

    let (_connection, channel) = side_channel(&broker.url()).await;
    let name = format!("{}.out.main.normal", options.prefix);
    let delete = channel.queue_delete(name.into(), QueueDeleteOptions::default());
    delete.await.unwrap();
    until(&queue, |health| health.consumer_restarts > 0).await;

    let second = hint(Priority::Normal, 2);
    push_until_taken(&queue, &second).await;
    take_all(&queue, second.ids.into_iter().collect()).await;
    assert_eq!(queue.health().connections, 1, "the other consumers live on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hints_whose_queue_was_deleted_are_pushed_again_within_the_call() {
    let broker = broker::shared().await;
    let options = options();
    // It only pushes, so no consumer of its own makes the queue again.
    let api = connect(&broker.url(), &options).await;
    api.push(vec![hint(Priority::Bulk, 1)]).await.unwrap();
    let (_connection, channel) = side_channel(&broker.url()).await;
    let name = format!("{}.out.main.bulk", options.prefix);
    let delete = channel.queue_delete(name.into(), QueueDeleteOptions::default());
    delete.await.unwrap();

    // Among others that arrive at once.
    let hints: Vec<_> = (0..300)
        .map(|turn| match turn % 3 {
            0 => hint(Priority::Bulk, 1),
            1 => hint(Priority::Otp, 1),
            _ => hint(Priority::High, 1),
        })
        .collect();
    api.push(hints.clone()).await.unwrap();
    assert_eq!(api.health().returned, 100);
    let worker = connect(&broker.url(), &options).await;
    let expected = hints.into_iter().flat_map(|hint| hint.ids).collect();
    take_all(&worker, expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_gets_nothing_while_hints_wait_is_started_again() {
    let broker = broker::shared().await;
    let options = impatient();
    // With a single active consumer the broker gives nothing to ours while another one is there.
    let (_connection, channel) = side_channel(&broker.url()).await;
    let name = format!("{}.out.main.normal", options.prefix);
    let single = arguments(&[
        ("x-queue-type", AMQPValue::LongString("quorum".into())),
        ("x-single-active-consumer", AMQPValue::Boolean(true)),
    ]);
    let durable = QueueDeclareOptions::durable();
    let declare = channel.queue_declare(name.as_str().into(), durable, single);
    declare.await.unwrap();
    channel.basic_qos(1, Default::default()).await.unwrap();
    let (consuming, none) = (BasicConsumeOptions::default(), FieldTable::default());
    let other = channel.basic_consume(name.as_str().into(), "other".into(), consuming, none);
    let _other = other.await.unwrap();

    // The queue has other arguments than ours: it is used as it is.
    let queue = connect(&broker.url(), &options).await;
    let hints: Vec<_> = (0..3).map(|_| hint(Priority::Normal, 1)).collect();
    queue.push(hints.clone()).await.unwrap();
    let leased = tokio::time::timeout(options.stall_after / 2, queue.lease(&main(), 1)).await;
    assert!(leased.is_err(), "the other consumer is the active one");
    until(&queue, |health| health.consumer_restarts > 0).await;
    assert_eq!(queue.health().connections, 1);

    let cancel = channel.basic_cancel("other".into(), BasicCancelOptions::default());
    cancel.await.unwrap();
    channel.close(200, "done".into()).await.unwrap();
    let expected = hints.into_iter().flat_map(|hint| hint.ids).collect();
    take_all(&queue, expected).await;
}

/// RabbitMQ 3.10 lets whoever consumes from it wait, then closes the connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_queue_holds_up_no_other() {
    let broker = broker::exclusive().await;
    let options = options();
    let name = format!("{}.out.main.bulk", options.prefix);
    let first = connect(&broker.url(), &options).await;
    first.push(vec![hint(Priority::Bulk, 1)]).await.unwrap();
    drop(first);
    broker.hang(&name);

    let queue = connect(&broker.url(), &options).await;
    let well = hint(Priority::Normal, 1);
    push_until_taken(&queue, &well).await;
    take_all(&queue, well.ids.into_iter().collect()).await;
    let (broken, other) = (hint(Priority::Bulk, 1), hint(Priority::High, 1));
    let taken = queue.push(vec![broken, other.clone()]).await;
    assert!(taken.is_err(), "the bulk hint cannot be kept");
    push_until_taken(&queue, &other).await;
    take_all(&queue, other.ids.into_iter().collect()).await;
    // It would be closed now if a consumer of the broken queue were on it.
    sleep(Duration::from_secs(35)).await;
    assert_eq!(queue.health().connections, 1);

    broker.go_on(&name);
    let mended = hint(Priority::Bulk, 1);
    push_until_taken(&queue, &mended).await;
    take_all(&queue, mended.ids.into_iter().collect()).await;
}

/// It only pushes, so no consumer of its own tells it of the queue.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushes_wait_once_for_a_queue_that_confirms_nothing() {
    let broker = broker::exclusive().await;
    let options = options();
    let name = format!("{}.out.main.bulk", options.prefix);
    let first = connect(&broker.url(), &options).await;
    first.push(vec![hint(Priority::Bulk, 1)]).await.unwrap();
    broker.hang(&name);

    let api = connect(&broker.url(), &options).await;
    let both = || vec![hint(Priority::Bulk, 1), hint(Priority::Otp, 1)];
    api.push(both()).await.unwrap_err();
    // Until now it may have been either of them.
    push_until_taken(&api, &hint(Priority::Otp, 1)).await;
    let end = Instant::now() + 2 * options.timeout;
    let mut others = HashSet::new();
    while Instant::now() < end {
        let start = Instant::now();
        api.push(both()).await.unwrap_err();
        let took = start.elapsed();
        assert!(took < options.timeout / 2, "it waited {took:?} again");
        let other = hint(Priority::Otp, 1);
        api.push(vec![other.clone()]).await.unwrap();
        others.extend(other.ids);
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(api.health().connections, 1);

    broker.go_on(&name);
    let mended = hint(Priority::Bulk, 1);
    push_until_taken(&api, &mended).await;
    others.extend(mended.ids);
    take_all(&connect(&broker.url(), &options).await, others).await;
}

/// Somebody else has it for himself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hints_flow_although_the_queue_of_the_dead_letters_cannot_be_declared() {
    let broker = broker::shared().await;
    let options = options();
    let (_connection, channel) = side_channel(&broker.url()).await;
    let name = format!("{}.dead", options.prefix);
    let (exclusive, none) = (QueueDeclareOptions::exclusive(), FieldTable::default());
    let declare = channel.queue_declare(name.into(), exclusive, none);
    declare.await.unwrap();

    let queue = connect(&broker.url(), &options).await;
    let pushed = hint(Priority::Normal, 1);
    queue.push(vec![pushed.clone()]).await.unwrap();
    take_all(&queue, pushed.ids.into_iter().collect()).await;
    assert_eq!(queue.health().connections, 1);
    queue.dead_letters(1).await.unwrap_err();
}

/// Their messages come back by their deadlines.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hints_that_nobody_takes_are_let_go() {
    let broker = broker::shared().await;
    let mut options = impatient();
    options.hold = Duration::from_millis(500);
    let queue = connect(&broker.url(), &options).await;
    let first = hint(Priority::Bulk, 1);
    queue.push(vec![first.clone()]).await.unwrap();
    take_all(&queue, first.ids.into_iter().collect()).await;
    // Nobody leases from here on.
    queue.push(vec![hint(Priority::Bulk, 1)]).await.unwrap();
    sleep(options.stall_after).await;
    queue.close().await;
    let worker = connect(&broker.url(), &options).await;
    let last = hint(Priority::Bulk, 1);
    worker.push(vec![last.clone()]).await.unwrap();
    let tasks = lease(&worker, 1).await;
    assert_eq!(tasks[0].ids, last.ids, "what was held came back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_hints_are_held_than_the_prefetch() {
    let broker = broker::shared().await;
    let mut options = options();
    options.prefetch = 4.try_into().unwrap();
    let queue = connect(&broker.url(), &options).await;
    let hints: Vec<_> = (0..10).map(|_| hint(Priority::Normal, 1)).collect();
    queue.push(hints.clone()).await.unwrap();
    let mut in_hand = Vec::new();
    while in_hand.len() < 4 {
        in_hand.extend(lease(&queue, 1).await);
    }
    let patience = Duration::from_millis(300);
    let more = tokio::time::timeout(patience, queue.lease(&main(), 1)).await;
    assert!(more.is_err(), "a fifth came: {more:?}");
    acknowledge(&queue, in_hand).await;
    let expected = hints[4..].iter().flat_map(|hint| hint.ids.clone());
    take_all(&queue, expected.collect()).await;
}
