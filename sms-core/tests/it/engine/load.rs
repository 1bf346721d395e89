//! Many messages at once: what they cost.

use std::time::Duration;

use std::sync::Arc;

use sms_core::testing::{Broker, Port};
use sms_core::{ProviderSetup, Queue, State};
use tokio::time::{Instant, sleep};

use super::rig::{Rig, SECOND, accept, new_message};

#[tokio::test(start_paused = true)]
async fn a_thousand_at_once_are_few_calls() {
    let rig = Rig::new();
    let (engine, switch) = rig.disturbed();
    let accepted = engine.accept_many(vec![new_message(); 1_000]).await;
    assert!(accepted.iter().all(Result::is_ok));
    let inserts = switch.calls(Port::Store, "insert");
    assert!(inserts <= 10, "{inserts} inserts");
    sleep(SECOND).await;
    let hints = switch.calls(Port::Queue, "push");
    assert!(hints <= 10, "{hints} pushes");
    let _running = engine.start();
    rig.until_submitted(1_000).await;
    sleep(SECOND).await;
    assert_eq!(engine.count().await.unwrap().get(State::Sent), 1_000);
    // 64 slots: each round of them is a claim and an answer, in a few calls.
    let commits = switch.calls(Port::Store, "commit");
    assert!(commits <= 150, "{commits} commits");
    let loads = switch.calls(Port::Store, "load");
    assert_eq!(loads, 0, "what this process accepted is not read again");
}

#[tokio::test(start_paused = true)]
async fn a_lone_message_is_not_delayed() {
    let rig = Rig::new();
    let engine = rig.engine();
    let _running = engine.start();
    let id = accept(&engine).await;
    let message = rig.until(id, State::Sent).await;
    let took = message
        .progress
        .since()
        .unwrap()
        .since(message.request.accepted_at);
    assert_eq!(took, Duration::ZERO);
}

/// 20,000 messages at 50 a second wait for 400 s, eighty times as long as the first hint.
async fn run_a_long_backlog(rig: &Rig, queue: Arc<dyn Queue>) {
    const MESSAGES: usize = 20_000;
    let setup = ProviderSetup {
        report_window: 100_000 * SECOND,
        ..rig.limited_to("50/s")
    };
    let process = rig.over(rig.store.clone(), queue).provider(setup);
    let engine = process.build().unwrap();
    let _running = engine.start();
    let accepted = engine.accept_many(vec![new_message(); MESSAGES]).await;
    assert!(accepted.iter().all(Result::is_ok));
    while rig.submissions() < MESSAGES {
        sleep(SECOND).await;
    }
    sleep(SECOND).await;
    // What it was hinted again meanwhile is in line before the next message.
    let start = Instant::now();
    let id = accept(&engine).await;
    rig.until(id, State::Sent).await;
    assert!(start.elapsed() < SECOND, "idle for {:?}", start.elapsed());
    let everything = sms_core::ListFilter::default();
    let page = engine.list(&everything, None, MESSAGES + 1).await.unwrap();
    assert_eq!(page.messages.len(), MESSAGES + 1);
    let changes: u64 = page
        .messages
        .iter()
        .map(|message| message.progress.version - 1)
        .sum();
    let each = changes as f64 / MESSAGES as f64;
    assert!(
        (2.0..6.0).contains(&each),
        "{each} commits for each message"
    );
    let attempts = page.messages.iter().map(|one| one.progress.attempts.len());
    assert_eq!(attempts.max(), Some(1));
    assert_eq!(rig.submissions(), MESSAGES + 1);
}

#[tokio::test(start_paused = true)]
async fn a_long_backlog_does_not_hint_itself_to_death() {
    let rig = Rig::new();
    run_a_long_backlog(&rig, rig.queue.clone()).await;
}

#[tokio::test(start_paused = true)]
async fn nor_does_it_over_a_queue_that_keeps_every_hint() {
    run_a_long_backlog(&Rig::new(), Arc::new(Broker::new().connect())).await;
}
