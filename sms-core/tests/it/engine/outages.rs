//! Stores and queues that fail, forget and come back.

use std::sync::Arc;

use sms_core::testing::{Fault, Port, ScriptedProvider, Step};
use sms_core::{AttemptOutcome, Outcome, ReportStatus, State, UnknownPolicy};
use tokio::time::sleep;

use super::rig::{
    Diary, Rig, SECOND, accept, accept_as, accepted, by_provider_id, name, new_message,
};

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_while_claiming_is_waited_for() {
    let rig = Rig::new();
    let (engine, switch) = rig.disturbed();
    let ids = [accept(&engine).await, accept(&engine).await];
    switch.set(Port::Store, "commit", Fault::Refuse);
    let _running = engine.start();
    sleep(60 * SECOND).await;
    assert_eq!(rig.submissions(), 0, "intent before action");
    switch.heal();
    for id in ids {
        rig.until(id, State::Sent).await;
    }
    assert_eq!(rig.submissions(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_claim_whose_confirmation_was_lost_is_found_again() {
    let rig = Rig::new();
    let (engine, switch) = rig.disturbed();
    let id = accept(&engine).await;
    switch.set(Port::Store, "commit", Fault::LoseAnswer);
    let _running = engine.start();
    sleep(SECOND / 10).await;
    switch.heal();
    let message = rig.until(id, State::Sent).await;
    assert_eq!(message.progress.attempts.len(), 1, "it is the same claim");
    assert_eq!(rig.submissions(), 1);
}

/// When the store is back, the lease that was written before its outage is nearly over.
#[tokio::test(start_paused = true)]
async fn a_claim_that_is_found_again_late_is_given_back_and_not_sent() {
    let rig = Rig::new();
    let (engine, switch) = rig.disturbed();
    let id = accept(&engine).await;
    switch.set(Port::Store, "commit", Fault::LoseAnswer);
    let _running = engine.start();
    sleep(SECOND / 10).await;
    assert_eq!(rig.state(id).await, State::Sending);
    switch.store_down();
    sleep(40 * SECOND).await;
    switch.heal();
    let message = rig.until(id, State::Sent).await;
    let outcomes: Vec<_> = message
        .progress
        .attempts
        .iter()
        .map(|one| one.outcome)
        .collect();
    let expected = [AttemptOutcome::GivenBack, AttemptOutcome::Accepted];
    assert_eq!(outcomes, expected.map(Some));
    assert_eq!(rig.submissions(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_until_the_store_is_back() {
    let slow = Step::SayAfter(SECOND, accepted("p1").into());
    let rig = Rig::with(ScriptedProvider::new("main").unwrap().then([slow]));
    let (engine, switch) = rig.disturbed();
    let _running = engine.start();
    let id = accept(&engine).await;
    rig.until_submitted(1).await;
    switch.store_down();
    sleep(45 * SECOND).await;
    assert_eq!(rig.state(id).await, State::Sending);
    switch.heal();
    sleep(3 * SECOND).await;
    let message = rig.message(id).await;
    assert_eq!(message.state(), State::Sent);
    assert_eq!(
        message.progress.attempts[0].outcome,
        Some(AttemptOutcome::Accepted)
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_even_if_its_lease_ended_meanwhile() {
    let slow = Step::SayAfter(SECOND, accepted("p1").into());
    let rig = Rig::with(ScriptedProvider::new("main").unwrap().then([slow]));
    let (engine, switch) = rig.disturbed();
    let _running = engine.start();
    let _other = rig.engine().start();
    let id = accept(&engine).await;
    rig.until_submitted(1).await;
    switch.store_down();
    rig.until(id, State::Unconfirmed).await;
    switch.heal();
    rig.until(id, State::Sent).await;
    assert_eq!(rig.submissions(), 1);
}

/// Attempt 1 was taken and its worker cannot say so; attempt 2 was taken as well.
#[tokio::test(start_paused = true)]
async fn both_answers_arrive_after_a_resubmission() {
    let slow = |id| Step::SayAfter(SECOND, accepted(id).into());
    let rig = Rig::with(
        ScriptedProvider::new("main")
            .unwrap()
            .then([slow("p1"), slow("p2")]),
    );
    let (cut_off, switch) = rig.disturbed();
    let other = rig.engine();
    let cut_off_running = cut_off.start();
    let mut new = new_message();
    new.on_unknown = UnknownPolicy::PreferDuplicate;
    let id = accept_as(&cut_off, new).await;
    rig.until_submitted(1).await;
    switch.store_down();
    let _running = other.start();
    rig.until_submitted(2).await;
    switch.heal();
    sleep(5 * SECOND).await;
    let message = rig.message(id).await;
    assert_eq!(message.state(), State::Sent);
    let ids: Vec<_> = message
        .progress
        .attempts
        .iter()
        .map(|one| one.provider_id.clone())
        .collect();
    assert_eq!(
        ids,
        [Some("p1".parse().unwrap()), Some("p2".parse().unwrap())]
    );
    for (id, status) in [
        ("p1", ReportStatus::Undelivered),
        ("p2", ReportStatus::Delivered),
    ] {
        let report = by_provider_id(id, status);
        other.report(&name("main"), report).await.unwrap();
    }
    assert_eq!(rig.state(id).await, State::Delivered);
    drop(cut_off_running);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_down_keeps_nothing_from_being_accepted_and_sent() {
    let rig = Rig::new();
    let switch = Arc::default();
    let diary = Arc::new(Diary::default());
    let process = || {
        let process = rig.bare(&switch).provider(rig.setup());
        process.observer(diary.clone()).build().unwrap()
    };
    let (api, worker) = (process(), process());
    for method in ["push", "lease", "acknowledge"] {
        switch.set(Port::Queue, method, Fault::Refuse);
    }
    let _running = worker.start();
    let id = accept(&api).await;
    sleep(SECOND).await;
    assert_eq!(diary.count("hints lost: 1"), 1);
    sleep(60 * SECOND).await;
    assert_eq!(rig.state(id).await, State::Queued);
    switch.heal();
    rig.until(id, State::Sent).await;
    assert_eq!(rig.submissions(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_accepted_while_the_queue_was_down_flows_as_soon_as_it_is_back() {
    let rig = Rig::new();
    let switch = Arc::default();
    let process = || rig.bare(&switch).provider(rig.setup()).build().unwrap();
    let (api, worker) = (process(), process());
    for method in ["push", "lease"] {
        switch.set(Port::Queue, method, Fault::Refuse);
    }
    let _running = worker.start();
    for _ in 0..200 {
        accept(&api).await;
        sleep(3 * SECOND).await;
    }
    assert_eq!(rig.submissions(), 0, "ten minutes");
    switch.heal();
    sleep(3 * SECOND).await;
    assert_eq!(rig.submissions(), 200);
    sleep(3_600 * SECOND).await;
    assert_eq!(rig.submissions(), 200);
}

/// The pushes that fail are those of the hints, and no others follow once there is no engine.
#[tokio::test(start_paused = true)]
async fn hints_are_offered_no_more_when_the_engine_is_gone() {
    let rig = Rig::new();
    let (engine, switch) = rig.disturbed();
    switch.set(Port::Queue, "push", Fault::Refuse);
    accept(&engine).await;
    sleep(10 * SECOND).await;
    drop(engine);
    sleep(2 * SECOND).await;
    let pushes = switch.calls(Port::Queue, "push");
    assert!(pushes > 5, "{pushes}");
    sleep(60 * SECOND).await;
    assert_eq!(switch.calls(Port::Queue, "push"), pushes);
}

#[tokio::test(start_paused = true)]
async fn a_hint_that_gets_lost_is_given_again_after_some_seconds() {
    let rig = Rig::new();
    let (api, switch) = rig.disturbed();
    switch.set(Port::Queue, "push", Fault::Lose);
    let _running = rig.engine().start();
    let id = accept(&api).await;
    let message = rig.until(id, State::Sent).await;
    let waited = message.progress.attempts[0].started_at;
    let waited = waited.since(message.request.accepted_at);
    assert!((5 * SECOND..6 * SECOND).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn hints_that_come_twice_do_no_harm() {
    let rig = Rig::new();
    let (api, switch) = rig.disturbed();
    switch.set(Port::Queue, "push", Fault::Double);
    let _running = rig.engine().start();
    let mut ids = Vec::new();
    for _ in 0..50 {
        ids.push(accept(&api).await);
    }
    for id in ids {
        rig.until(id, State::Sent).await;
    }
    sleep(30 * SECOND).await;
    assert_eq!(rig.submissions(), 50);
}

#[tokio::test(start_paused = true)]
async fn after_a_start_over_an_empty_queue_everything_is_hinted_at_once() {
    let rig = Rig::new();
    let engine = rig.engine();
    for _ in 0..1_234 {
        accept(&engine).await;
    }
    // The process dies, and the queue with it.
    let restarted = Rig {
        queue: Arc::default(),
        ..rig.clone()
    };
    let engine = restarted
        .bare(&Arc::default())
        .provider(rig.setup())
        .hint_all_at_start()
        .build()
        .unwrap();
    let _running = engine.start();
    sleep(SECOND).await;
    assert_eq!(rig.submissions(), 1_234);
}

#[tokio::test(start_paused = true)]
async fn after_a_start_over_an_empty_queue_the_oldest_messages_go_first() {
    let rig = Rig::new();
    let engine = rig.engine();
    let mut accepted = Vec::new();
    for _ in 0..1_234 {
        accepted.push(accept(&engine).await);
        sleep(SECOND / 1_000).await;
    }
    let restarted = Rig {
        queue: Arc::default(),
        ..rig.clone()
    };
    let engine = restarted.bare(&Arc::default()).hint_all_at_start();
    let engine = engine.provider(rig.limited_to("100/s")).build().unwrap();
    let _running = engine.start();
    rig.until_submitted(1_234).await;
    let submissions = rig.provider.submissions().into_iter();
    let submitted: Vec<_> = submissions.map(|one| one.id).collect();
    assert!(submitted == accepted, "in another order");
}

#[tokio::test(start_paused = true)]
async fn a_failure_in_the_middle_of_a_group_leaves_no_message_behind() {
    let failing = [Outcome::Unknown, super::rig::UNAVAILABLE];
    let rig = Rig::with(ScriptedProvider::new("main").unwrap().then(failing));
    let (engine, switch) = rig.disturbed();
    let mut ids = Vec::new();
    for _ in 0..200 {
        ids.push(accept(&engine).await);
    }
    let _running = engine.start();
    for fault in [Fault::Refuse, Fault::LoseAnswer, Fault::Delay(3 * SECOND)] {
        switch.set(Port::Store, "commit", fault);
        sleep(SECOND).await;
        switch.heal();
        sleep(SECOND / 100).await;
    }
    sleep(1_300 * SECOND).await;
    let counts = engine.count().await.unwrap();
    assert_eq!(counts.total(), 200);
    let open: u64 = counts
        .iter()
        .filter(|(state, _)| !state.is_final() && *state != State::Sent)
        .map(|(_, count)| count)
        .sum();
    assert_eq!(open, 0, "{counts:?}");
    let mut submitted: Vec<_> = rig.provider.submissions();
    submitted.sort_by_key(|one| (one.id, one.attempt));
    submitted.dedup_by_key(|one| one.id);
    assert_eq!(submitted.len(), 200);
}
