//! A cluster of which a part is away.

use std::time::Duration;

use sms_core::conformance::Samples;
use sms_core::{Inserted, Message, MessageId, Store, TenantId};
use tokio::time::Instant;

use crate::cluster::Cluster;
use crate::engines::{engine, new_message, provider};
use crate::load::patient;
use crate::server::store_at;

/// Of three masters one stands still, so two in three messages have nothing to do with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_other_shards_are_accepted_while_a_master_stands_still() {
    let cluster = Cluster::start();
    let store = store_at(&format!("{}?timeout=1s", cluster.url())).await;
    let engine = engine(&store, &provider()).build().unwrap();
    let key = |number: usize| format!("key {number}").parse().unwrap();
    let message = |number| {
        let mut new = new_message();
        new.idempotency_key = Some(key(number));
        new
    };
    // Every connection is there and used.
    engine.accept_many((0..100).map(message).collect()).await;
    let victim = cluster.masters()[0];
    cluster.nodes[victim].signal("STOP");
    let begin = Instant::now();
    let answers = engine.accept_many((100..400).map(message).collect()).await;
    let took = begin.elapsed();
    // Its replica takes over.
    let samples = Samples::new(95);
    for message in samples.messages(40) {
        patient(async || store.insert(vec![message.clone()]).await).await;
    }
    cluster.nodes[victim].signal("CONT");

    let taken = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!(taken >= 150, "{taken} of 300 were taken in {took:?}");
    let id = |number| MessageId::derive(&TenantId::default(), &key(number));
    for (number, answer) in (100..).zip(&answers) {
        let stored = patient(async || store.load(&[id(number)]).await).await;
        assert_eq!(stored[0].is_some(), answer.is_ok(), "{number}: {answer:?}");
    }
}

/// A call over many shards does what can be done, and so does looking for deadlines.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_stands_still_fails_only_its_own_changes_and_deadlines() {
    let cluster = Cluster::start();
    let store = store_at(&format!("{}?timeout=1s", cluster.url())).await;
    let samples = Samples::new(96);
    let messages = samples.messages(120);
    let created = store.insert(messages.clone()).await.unwrap();
    assert!(created.iter().all(|answer| *answer == Inserted::Created));
    let victim = cluster.masters()[0];
    cluster.nodes[victim].signal("STOP");
    let change = |message: &Message| sms_core::conformance::changed(message, |_| {});
    let changes: Vec<_> = messages.iter().map(change).collect();
    let committed = store.commit(changes).await.unwrap();
    let due = store.due(sms_core::Timestamp::MAX, 1_000).await.unwrap();
    cluster.nodes[victim].signal("CONT");
    let count = |wanted: fn(&sms_core::Committed) -> bool| {
        committed.iter().filter(|answer| wanted(answer)).count()
    };
    let applied = count(|answer| *answer == sms_core::Committed::Applied);
    let failed = count(|answer| matches!(answer, sms_core::Committed::Failed(_)));
    assert_eq!(applied + failed, 120);
    assert!(applied >= 60 && failed > 0, "{applied} and {failed}");
    assert!(due.len() >= applied && due.len() < 120, "{}", due.len());
}

/// Nobody is left to say who has the slots: asking takes no longer than the call may.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_hangs_costs_a_time_out_and_no_more() {
    let cluster = Cluster::start();
    let store = store_at(&format!("{}?timeout=500ms", cluster.url())).await;
    for node in &cluster.nodes {
        node.signal("STOP");
    }
    let id = Samples::new(97).message().id();
    for _ in 0..8 {
        let begin = Instant::now();
        store.load(&[id]).await.unwrap_err();
        let took = begin.elapsed();
        assert!(took < Duration::from_millis(1_000), "{took:?}");
    }
    for node in &cluster.nodes {
        node.signal("CONT");
    }
    patient(async || store.load(&[id]).await).await;
}
