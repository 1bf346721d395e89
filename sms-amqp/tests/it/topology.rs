//! Queues that somebody deleted, made otherwise, or reads as well.

use lapin::options::QueueDeleteOptions;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use sms_core::{Priority, Queue};

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
    let patience = std::time::Duration::from_millis(300);
    let more = tokio::time::timeout(patience, queue.lease(&main(), 1)).await;
    assert!(more.is_err(), "a fifth came: {more:?}");
    acknowledge(&queue, in_hand).await;
    let expected = hints[4..].iter().flat_map(|hint| hint.ids.clone());
    take_all(&queue, expected.collect()).await;
}
