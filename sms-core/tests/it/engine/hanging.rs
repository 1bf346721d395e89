//! Calls that never return: they are told of, and only they.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sms_core::testing::{Fault, Port};
use sms_core::{
    Drained, Engine, Grant, Limiter, LimiterError, Part, ProviderName, Step, Throughput,
};
use tokio::time::sleep;

use super::rig::{Rig, SECOND, accept, name};

#[derive(Debug)]
enum BrokenLimiter {
    Hangs,
    Fails,
}

#[async_trait]
impl Limiter for BrokenLimiter {
    async fn take(&self, _: &ProviderName, _: Throughput, _: u32) -> Result<Grant, LimiterError> {
        match self {
            Self::Hangs => pending().await,
            Self::Fails => Err(LimiterError("no connection".into())),
        }
    }
}

fn limited(rig: &Rig, limiter: BrokenLimiter) -> Engine {
    let process = rig.bare(&Arc::default()).provider(rig.limited_to("5/s"));
    process.limiter(Arc::new(limiter)).build().unwrap()
}

fn assert_hangs(engine: &Engine, part: Part, least: Duration) {
    let step = engine.longest_step();
    let is_it = |step: &Step| step.part == part && step.took >= least;
    assert!(step.as_ref().is_some_and(is_it), "{step:?}");
}

#[tokio::test(start_paused = true)]
async fn a_limiter_that_never_answers_is_told_of_and_holds_up_no_drain() {
    let rig = Rig::new();
    let engine = limited(&rig, BrokenLimiter::Hangs);
    let running = engine.start();
    accept(&engine).await;
    sleep(150 * SECOND).await;
    assert_hangs(&engine, Part::Limiter, 149 * SECOND);
    assert_eq!(engine.longest_step().unwrap().provider, Some(name("main")));
    assert_eq!(running.drain(SECOND).await, Drained::Clean);
    assert_eq!(engine.longest_step(), None);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_never_returns_is_told_of_with_what_it_was_for() {
    for (port, method, part) in [
        (Port::Store, "load", Part::Claims),
        (Port::Store, "due", Part::Sweep),
        (Port::Store, "remove_finished", Part::Sweep),
        (Port::Queue, "push", Part::Hints),
        (Port::Queue, "acknowledge", Part::Acknowledgement),
    ] {
        let rig = Rig::new();
        let switch = Arc::default();
        let process = rig.bare(&switch).provider(rig.limited_to("5/s"));
        let process = process.retention(60 * SECOND);
        let engine = process.build().unwrap();
        switch.set(port, method, Fault::HangBefore);
        let _running = engine.start();
        accept(&engine).await;
        sleep(150 * SECOND).await;
        assert_hangs(&engine, part, 100 * SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_never_takes_a_claim_or_an_answer_is_told_of() {
    let rig = Rig::new();
    let (engine, switch) = rig.disturbed();
    accept(&engine).await;
    switch.set(Port::Store, "commit", Fault::HangBefore);
    let _running = engine.start();
    sleep(150 * SECOND).await;
    assert_hangs(&engine, Part::Claims, 149 * SECOND);

    let rig = Rig::new();
    let (engine, switch) = rig.disturbed();
    let _running = engine.start();
    // What is claimed with its insertion needs one commit, that of the answer.
    switch.set(Port::Store, "commit", Fault::HangBefore);
    accept(&engine).await;
    sleep(30 * SECOND).await;
    assert_hangs(&engine, Part::Answer, 29 * SECOND);
}

/// A process that is restarted for that would find them just as they are.
#[tokio::test(start_paused = true)]
async fn what_answers_with_errors_does_not_hang() {
    let rig = Rig::new();
    let (engine, switch) = rig.disturbed();
    accept(&engine).await;
    switch.store_down();
    for method in ["push", "lease", "acknowledge"] {
        switch.set(Port::Queue, method, Fault::Refuse);
    }
    let limited = limited(&Rig::new(), BrokenLimiter::Fails);
    let _running = (engine.start(), limited.start());
    accept(&limited).await;
    for _ in 0..600 {
        sleep(SECOND).await;
        for engine in [&engine, &limited] {
            let took = engine.longest_step().map(|step| step.took);
            assert!(took.unwrap_or_default() < SECOND, "{took:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_for_work_or_for_a_provider_is_no_step() {
    let rig = Rig::new();
    let engine = rig.engine();
    let _running = engine.start();
    sleep(600 * SECOND).await;
    assert_eq!(engine.longest_step(), None, "no work");
    let throttled = sms_core::Outcome::Throttled {
        retry_after: Some(3_000 * SECOND),
    };
    rig.provider.push([throttled]);
    for _ in 0..3 {
        accept(&engine).await;
    }
    sleep(600 * SECOND).await;
    assert_eq!(engine.longest_step(), None, "the provider is held");
}
