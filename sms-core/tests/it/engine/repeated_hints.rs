//! A queue that keeps every hint, however often it was told of a message.

use std::sync::Arc;

use sms_core::testing::Broker;
use sms_core::{Drained, Hint, MessageId, Priority, Queue, State};
use tokio::time::{Instant, sleep};

use super::rig::{Rig, SECOND, accept, name};

async fn hint_again(broker: &Broker, ids: &[MessageId], times: usize) {
    let hint = |id: &MessageId| Hint {
        route: name("main"),
        priority: Priority::Normal,
        ids: vec![*id],
    };
    for _ in 0..times {
        let hints = ids.iter().map(hint).collect();
        broker.connect().push(hints).await.unwrap();
    }
}

/// At 5 messages a second, 500 hints of what was sent long ago would cost 100 s.
#[tokio::test(start_paused = true)]
async fn hints_of_what_is_done_cost_the_provider_no_time() {
    let (rig, broker) = (Rig::new(), Broker::new());
    let process = rig.over(rig.store.clone(), Arc::new(broker.connect()));
    let engine = process.provider(rig.limited_to("5/s")).build().unwrap();
    let _running = engine.start();
    let mut done = Vec::new();
    for _ in 0..5 {
        done.push(accept(&engine).await);
    }
    rig.until_submitted(5).await;
    hint_again(&broker, &done, 100).await;
    let start = Instant::now();
    let id = accept(&engine).await;
    rig.until(id, State::Sent).await;
    assert!(start.elapsed() < SECOND, "{:?}", start.elapsed());
    assert_eq!(broker.waiting(), 0);
}

/// The process that accepted them keeps copies that look as if they still waited.
#[tokio::test(start_paused = true)]
async fn hints_of_what_another_process_has_sent_cost_no_time_either() {
    let (rig, broker) = (Rig::new(), Broker::new());
    let process = || rig.over(rig.store.clone(), Arc::new(broker.connect()));
    let ours = process().provider(rig.limited_to("5/s")).build().unwrap();
    let other = process().provider(rig.setup()).build().unwrap();
    let mut ids = Vec::new();
    for _ in 0..200 {
        ids.push(accept(&ours).await);
    }
    let running = other.start();
    rig.until_submitted(200).await;
    assert_eq!(running.drain(SECOND).await, Drained::Clean);
    hint_again(&broker, &ids, 1).await;
    let id = accept(&ours).await;
    let _running = ours.start();
    sleep(SECOND).await;
    assert_eq!(rig.state(id).await, State::Sent);
}

/// One of a pair is claimed while the other is looked at.
#[tokio::test(start_paused = true)]
async fn hints_that_come_in_pairs_do_not_halve_the_throughput() {
    let (rig, broker) = (Rig::new(), Broker::new());
    let process = || rig.over(rig.store.clone(), Arc::new(broker.connect()));
    let api = process().provider(rig.setup()).build().unwrap();
    for _ in 0..50 {
        let id = accept(&api).await;
        hint_again(&broker, &[id], 1).await;
    }
    let worker = process().provider(rig.limited_to("5/s")).build().unwrap();
    let start = Instant::now();
    let _running = worker.start();
    rig.until_submitted(50).await;
    assert!(start.elapsed() < 13 * SECOND, "{:?}", start.elapsed());
}

/// A store that is away for a while, just when messages are looked at.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_looked_at_now_is_looked_at_later() {
    use sms_core::testing::{Fault, Port};
    let rig = Rig::new();
    let switch = Arc::default();
    let engine = rig.bare(&switch).provider(rig.limited_to("5/s"));
    let engine = engine.build().unwrap();
    let ids = [accept(&engine).await, accept(&engine).await];
    switch.set(Port::Store, "load", Fault::Refuse);
    let _running = engine.start();
    sleep(4 * SECOND).await;
    assert_eq!(rig.submissions(), 0);
    switch.heal();
    sleep(SECOND).await;
    for id in ids {
        assert_eq!(rig.state(id).await, State::Sent);
    }
}
