//! Following a message live.

use std::time::Duration;

use sms_core::testing::{Fault, Port, ScriptedProvider};
use sms_core::{MessageId, ReportStatus, State, Watch};
use tokio::time::{Instant, sleep, timeout};

use super::rig::{Rig, SECOND, UNAVAILABLE, accept, by_reference, name};

async fn states(mut watch: Watch) -> Vec<State> {
    let mut states = Vec::new();
    while let Some(message) = watch.next().await {
        states.push(message.unwrap().state());
    }
    states
}

#[tokio::test(start_paused = true)]
async fn a_watch_sees_the_state_now_and_every_change_and_then_ends() {
    let rig = Rig::with(ScriptedProvider::new("main").unwrap().then([UNAVAILABLE]));
    let engine = rig.engine();
    let id = accept(&engine).await;
    let watch = engine.watch(id).await.unwrap().unwrap();
    let seen = tokio::spawn(states(watch));
    tokio::task::yield_now().await;
    let _running = engine.start();
    rig.until(id, State::Sent).await;
    let report = by_reference(id.reference(), ReportStatus::Delivered);
    engine.report(&name("main"), report).await.unwrap();
    let mut seen = seen.await.unwrap();
    // A retry that falls due is a change within the same state.
    seen.dedup();
    assert_eq!(
        seen,
        [
            State::Queued,
            State::Sending,
            State::Queued,
            State::Sending,
            State::Sent,
            State::Delivered,
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn changes_of_this_process_come_at_once() {
    let rig = Rig::new();
    let engine = rig.engine();
    let id = accept(&engine).await;
    let mut watch = engine.watch(id).await.unwrap().unwrap();
    watch.next().await.unwrap().unwrap();
    let start = Instant::now();
    let next = tokio::spawn(async move { watch.next().await });
    tokio::task::yield_now().await;
    engine.cancel(id).await.unwrap();
    let message = next.await.unwrap().unwrap().unwrap();
    assert_eq!(message.state(), State::Canceled);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn changes_of_another_process_are_seen_within_the_interval() {
    let rig = Rig::new();
    let (here, there) = (rig.engine(), rig.engine());
    let id = accept(&there).await;
    let mut watch = here.watch(id).await.unwrap().unwrap();
    assert_eq!(watch.next().await.unwrap().unwrap().state(), State::Queued);
    let start = Instant::now();
    there.cancel(id).await.unwrap();
    let message = watch.next().await.unwrap().unwrap();
    assert_eq!(message.state(), State::Canceled);
    assert!(start.elapsed() <= SECOND);
    assert!(watch.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_final_message_is_shown_once() {
    let rig = Rig::new();
    let engine = rig.engine();
    let id = accept(&engine).await;
    engine.cancel(id).await.unwrap();
    let watch = engine.watch(id).await.unwrap().unwrap();
    assert_eq!(states(watch).await, [State::Canceled]);
}

#[tokio::test(start_paused = true)]
async fn there_is_nothing_to_watch_of_a_stranger() {
    let engine = Rig::new().engine();
    let stranger = MessageId::from_bytes([7; 16]);
    assert!(engine.watch(stranger).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_is_told_and_the_watch_goes_on_after_it() {
    let rig = Rig::new();
    let (engine, switch) = rig.disturbed();
    let id = accept(&engine).await;
    let mut watch = engine.watch(id).await.unwrap().unwrap();
    watch.next().await.unwrap().unwrap();
    switch.set(Port::Store, "load", Fault::Refuse);
    assert!(watch.next().await.unwrap().is_err());
    switch.heal();
    rig.engine().cancel(id).await.unwrap();
    let message = watch.next().await.unwrap().unwrap();
    assert_eq!(message.state(), State::Canceled);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_dropped_while_it_waits_misses_nothing() {
    let rig = Rig::new();
    let engine = rig.engine();
    let id = accept(&engine).await;
    let mut watch = engine.watch(id).await.unwrap().unwrap();
    watch.next().await.unwrap().unwrap();
    for _ in 0..100 {
        assert!(timeout(SECOND / 50, watch.next()).await.is_err());
    }
    engine.cancel(id).await.unwrap();
    sleep(SECOND).await;
    let message = watch.next().await.unwrap().unwrap();
    assert_eq!(message.state(), State::Canceled);
}

#[tokio::test(start_paused = true)]
async fn a_slow_watcher_ends_with_the_last_state() {
    let failures = vec![UNAVAILABLE; 11];
    let rig = Rig::with(ScriptedProvider::new("main").unwrap().then(failures));
    let engine = rig.engine();
    let id = accept(&engine).await;
    let watch = engine.watch(id).await.unwrap().unwrap();
    let _running = engine.start();
    rig.until(id, State::Sent).await;
    let report = by_reference(id.reference(), ReportStatus::Delivered);
    engine.report(&name("main"), report).await.unwrap();
    let last = watch.finished().await.unwrap().unwrap();
    assert_eq!(last.state(), State::Delivered);
}
