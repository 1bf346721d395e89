//! Stopping, and starting again.

use std::time::Duration;

use std::sync::Arc;

use sms_core::testing::{Fault, Port, ScriptedProvider, Step};
use sms_core::{Drained, State};
use tokio::time::{Instant, sleep};

use super::rig::{Rig, SECOND, accept, accepted, new_message};

fn slow() -> Rig {
    let taking = Step::SayAfter(2 * SECOND, accepted("p1").into());
    Rig::with(ScriptedProvider::new("main").unwrap().then([taking]))
}

#[tokio::test(start_paused = true)]
async fn a_drain_finishes_what_is_under_way_and_starts_nothing_new() {
    let rig = slow();
    let engine = rig.engine();
    let running = engine.start();
    let under_way = accept(&engine).await;
    rig.until_submitted(1).await;
    let start = Instant::now();
    let drain = tokio::spawn(running.drain(10 * SECOND));
    tokio::task::yield_now().await;
    let waiting = accept(&engine).await;
    assert_eq!(drain.await.unwrap(), Drained::Clean);
    assert!(start.elapsed() <= 2 * SECOND);
    assert_eq!(rig.state(under_way).await, State::Sent);
    sleep(600 * SECOND).await;
    assert_eq!(rig.state(waiting).await, State::Queued);
    let _running = engine.start();
    rig.until(waiting, State::Sent).await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_of_nothing_is_over_at_once() {
    let engine = Rig::new().engine();
    let running = engine.start();
    sleep(SECOND).await;
    let start = Instant::now();
    assert_eq!(running.drain(10 * SECOND).await, Drained::Clean);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_runs_out_of_time_says_so() {
    let rig = Rig::with(ScriptedProvider::new("main").unwrap().then([Step::Hang]));
    let engine = rig.engine();
    let running = engine.start();
    let id = accept(&engine).await;
    rig.until_submitted(1).await;
    assert_eq!(running.drain(SECOND).await, Drained::Cut);
    assert_eq!(
        rig.state(id).await,
        State::Sending,
        "its lease is responsible"
    );
    let _running = rig.engine().start();
    rig.until(id, State::Unconfirmed).await;
}

#[tokio::test(start_paused = true)]
async fn dropping_it_stops_the_work_too() {
    let rig = Rig::new();
    let engine = rig.engine();
    drop(engine.start());
    sleep(SECOND).await;
    let id = accept(&engine).await;
    sleep(60 * SECOND).await;
    assert_eq!(rig.state(id).await, State::Queued);
}

/// Else the process ends first, and the message waits for the end of its lease.
#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_a_claim_that_is_being_given_back() {
    let rig = Rig::new();
    let (engine, switch) = rig.disturbed();
    let running = engine.start();
    sleep(SECOND).await;
    switch.set(Port::Store, "insert", Fault::LoseAnswer);
    switch.set(Port::Store, "load", Fault::Delay(3 * SECOND));
    engine.accept(new_message()).await.unwrap_err();
    let counts = engine.count().await.unwrap();
    assert_eq!(counts.get(State::Sending), 1, "it is claimed");
    assert_eq!(running.drain(10 * SECOND).await, Drained::Clean);
    let counts = engine.count().await.unwrap();
    assert_eq!(counts.get(State::Queued), 1, "it is given back");
}

/// Of a message that waits in a lane for its turn, nothing is claimed yet.
#[tokio::test(start_paused = true)]
async fn what_a_lane_has_in_hand_goes_back_in_line() {
    let rig = Rig::new();
    let setup = sms_core::ProviderSetup {
        throughput: Some("1/min".parse().unwrap()),
        ..rig.setup()
    };
    let engine = rig.bare(&Arc::default()).provider(setup).build().unwrap();
    let running = engine.start();
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(accept(&engine).await);
    }
    sleep(SECOND).await;
    assert_eq!(running.drain(SECOND).await, Drained::Clean);
    let mut queued = 0;
    for id in &ids {
        queued += usize::from(rig.state(*id).await == State::Queued);
    }
    assert_eq!((queued, rig.submissions()), (9, 1));
    let _running = rig.engine().start();
    for id in ids {
        rig.until(id, State::Sent).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_not_started_accepts_and_sends_nothing() {
    let rig = Rig::new();
    let engine = rig.engine();
    let id = accept(&engine).await;
    sleep(600 * SECOND).await;
    assert_eq!(rig.state(id).await, State::Queued);
    assert_eq!(rig.submissions(), 0);
}
