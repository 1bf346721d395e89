//! Hints that are given up.

use lapin::BasicProperties;
use lapin::options::{BasicGetOptions, BasicPublishOptions, BasicRejectOptions};
use sms_amqp::{DeathReason, Replayed};
use sms_core::{Priority, Queue};
use tokio::time::sleep;

use crate::broker;
use crate::setup::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hint_that_nobody_acknowledges_is_listed_and_replayed() {
    let broker = broker::shared().await;
    let mut options = options();
    options.delivery_limit = 2.try_into().unwrap();
    let queue = connect(&broker.url(), &options).await;
    let pushed = hint(Priority::High, 3);
    queue.push(vec![pushed.clone()]).await.unwrap();
    assert_eq!(queue.dead_letters(10).await.unwrap(), []);

    let (_connection, channel) = side_channel(&broker.url()).await;
    let name = format!("{}.out.main.high", options.prefix);
    let again = BasicRejectOptions { requeue: true };
    for _ in 0..3 {
        let get = channel.basic_get(name.as_str().into(), BasicGetOptions::default());
        let delivery = get.await.unwrap().expect("it came back").delivery;
        delivery.acker.reject(again).await.unwrap();
        sleep(std::time::Duration::from_millis(100)).await;
    }
    let mut dead = queue.dead_letters(10).await.unwrap();
    while dead.is_empty() {
        dead = queue.dead_letters(10).await.unwrap();
    }
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].lane, Some((main(), Priority::High)));
    assert_eq!(dead[0].ids, pushed.ids);
    assert_eq!(dead[0].reason, DeathReason::DeliveryLimit);
    let died_at = dead[0].died_at.expect("a time").as_millis();
    assert!(died_at > 1_700_000_000_000, "{died_at}");

    // Looking changes nothing, however often.
    for _ in 0..5 {
        while queue.dead_letters(10).await.unwrap() != dead {}
    }
    let mut replayed = Replayed::default();
    while replayed.hints == 0 {
        replayed = queue.replay_dead_letters().await.unwrap();
    }
    assert_eq!(
        (replayed.hints, replayed.messages, replayed.left),
        (1, 3, 0)
    );
    take_all(&queue, pushed.ids.into_iter().collect()).await;
    assert_eq!(queue.dead_letters(10).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_put_aside_and_counted() {
    let broker = broker::shared().await;
    let options = options();
    let queue = connect(&broker.url(), &options).await;
    let good = hint(Priority::Normal, 1);
    queue.push(vec![good.clone()]).await.unwrap();
    let (_connection, channel) = side_channel(&broker.url()).await;
    let name = format!("{}.out.main.normal", options.prefix);
    let publish = channel.basic_publish(
        "".into(),
        name.into(),
        BasicPublishOptions::default(),
        b"{\"ids\": []}",
        BasicProperties::default(),
    );
    publish.await.unwrap().await.unwrap();

    take_all(&queue, good.ids.into_iter().collect()).await;
    until(&queue, |health| health.undecodable == 1).await;
    let mut dead = Vec::new();
    while dead.is_empty() {
        dead = queue.dead_letters(10).await.unwrap();
    }
    assert_eq!(dead[0].reason, DeathReason::Unreadable);
    assert_eq!(dead[0].lane, Some((main(), Priority::Normal)));
    assert_eq!(dead[0].ids, []);
    let mut replayed = Replayed::default();
    while replayed.left == 0 {
        replayed = queue.replay_dead_letters().await.unwrap();
    }
    assert_eq!((replayed.hints, replayed.left), (0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_dead_letters_are_listed_up_to_a_limit_and_replayed_whole() {
    let broker = broker::shared().await;
    let mut options = options();
    options.delivery_limit = 1.try_into().unwrap();
    let queue = connect(&broker.url(), &options).await;
    let hints: Vec<_> = (0..250).map(|_| hint(Priority::Bulk, 2)).collect();
    queue.push(hints.clone()).await.unwrap();
    let (_connection, channel) = side_channel(&broker.url()).await;
    let name = format!("{}.out.main.bulk", options.prefix);
    let again = BasicRejectOptions { requeue: true };
    let get = || channel.basic_get(name.as_str().into(), BasicGetOptions::default());
    let mut rejected = 0;
    // One delivery is within the limit, the second return is beyond it.
    while rejected < 500 {
        if let Some(letter) = get().await.unwrap() {
            letter.delivery.acker.reject(again).await.unwrap();
            rejected += 1;
        }
    }
    let mut listed = 0;
    while listed < 200 {
        listed = queue.dead_letters(200).await.unwrap().len();
    }
    assert_eq!(listed, 200);
    let mut replayed = 0;
    while replayed < 250 {
        replayed += queue.replay_dead_letters().await.unwrap().hints;
    }
    assert_eq!(replayed, 250, "each of them once");
    assert_eq!(queue.dead_letters(1).await.unwrap(), []);
    let expected = hints.into_iter().flat_map(|hint| hint.ids).collect();
    take_all(&queue, expected).await;
}
