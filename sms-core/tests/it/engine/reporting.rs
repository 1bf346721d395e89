//! Reports: before the answer, under unknown ids, repeatedly, late.

use sms_core::testing::{Fault, Port, ScriptedProvider, Step};
use sms_core::{
    IncomingReport, MessageId, ReportStatus, Reported, State, Store, Subject, Timestamp,
};
use tokio::time::sleep;

use super::rig::{Rig, SECOND, about, accept, accepted, by_provider_id, by_reference, name};

/// A provider that takes a message at once and says so after 3 s.
fn slow() -> Rig {
    let taking = Step::SayAfter(3 * SECOND, accepted("p1").into());
    Rig::with(ScriptedProvider::new("main").unwrap().then([taking]))
}

#[tokio::test(start_paused = true)]
async fn a_report_before_the_answer_by_reference_counts_at_once() {
    let rig = slow();
    let engine = rig.engine();
    let _running = engine.start();
    let id = accept(&engine).await;
    rig.until_submitted(1).await;
    let report = by_reference(id.reference(), ReportStatus::Delivered);
    let reported = engine.report(&name("main"), report).await.unwrap();
    assert_eq!(reported, Reported::Applied(id));
    assert_eq!(rig.state(id).await, State::Delivered);
    sleep(10 * SECOND).await;
    let message = rig.message(id).await;
    assert_eq!(message.state(), State::Delivered);
    let provider_id = message.progress.attempts[0].provider_id.clone();
    assert_eq!(
        provider_id,
        Some("p1".parse().unwrap()),
        "the answer is kept"
    );
}

#[tokio::test(start_paused = true)]
async fn a_report_before_the_answer_by_provider_id_is_parked_and_joined_by_the_worker() {
    let rig = slow();
    let engine = rig.engine();
    let _running = engine.start();
    let id = accept(&engine).await;
    rig.until_submitted(1).await;
    for status in [ReportStatus::Buffered, ReportStatus::Delivered] {
        let report = by_provider_id("p1", status);
        let reported = engine.report(&name("main"), report).await.unwrap();
        assert_eq!(reported, Reported::Parked);
    }
    sleep(3 * SECOND + SECOND / 10).await;
    let message = rig.message(id).await;
    assert_eq!(
        message.state(),
        State::Delivered,
        "without waiting for the sweep"
    );
    assert_eq!(message.progress.reports.len(), 2);
    sleep(60 * SECOND).await;
    assert_eq!(parked(&rig).await, 0);
}

async fn parked(rig: &Rig) -> usize {
    let all = rig.store.parked_due(sms_core::Timestamp::MAX, 100).await;
    all.unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn a_parked_report_that_the_worker_could_not_join_is_joined_by_the_sweep() {
    let rig = slow();
    let (engine, switch) = rig.disturbed();
    switch.set(Port::Store, "parked", Fault::Refuse);
    let _running = engine.start();
    let id = accept(&engine).await;
    rig.until_submitted(1).await;
    let report = by_provider_id("p1", ReportStatus::Delivered);
    let reported = engine.report(&name("main"), report).await.unwrap();
    assert_eq!(reported, Reported::Parked);
    sleep(4 * SECOND).await;
    assert_eq!(rig.state(id).await, State::Sent);
    let message = rig.until(id, State::Delivered).await;
    let took = message
        .progress
        .since()
        .unwrap()
        .since(message.request.accepted_at);
    assert!(took < 7 * SECOND, "{took:?}");
    sleep(SECOND).await;
    assert_eq!(parked(&rig).await, 0);
}

/// The report looks for the id, then parks; the worker makes the id known, then looks for parked
/// reports. However their calls interleave, one of them sees the other's work.
#[tokio::test(start_paused = true)]
async fn a_report_and_the_answer_at_the_same_instant_find_each_other() {
    use std::time::Duration;
    for round in 0..400u64 {
        let millis = |n| Fault::Delay(Duration::from_millis(n));
        let taking = Step::SayAfter(SECOND, accepted("p1").into());
        let rig = Rig::with(ScriptedProvider::new("main").unwrap().then([taking]));
        let (worker, answers) = rig.disturbed();
        let (delivery, reports) = rig.disturbed();
        let _running = worker.start();
        let id = accept(&worker).await;
        rig.until_submitted(1).await;
        answers.set(Port::Store, "commit", millis(round % 5));
        answers.set(Port::Store, "parked", millis(round / 5 % 4));
        // Not joined by chance, but by the two of them.
        answers.set(Port::Store, "parked_due", Fault::Refuse);
        reports.set(Port::Store, "find", millis(round / 20 % 5));
        reports.set(Port::Store, "park", millis(round / 100 % 4));
        sleep(SECOND - Duration::from_millis(4)).await;
        let report = by_provider_id("p1", ReportStatus::Delivered);
        delivery.report(&name("main"), report).await.unwrap();
        sleep(SECOND).await;
        assert_eq!(rig.state(id).await, State::Delivered, "round {round}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_that_comes_twice_is_told_to_be_a_repeat() {
    let rig = Rig::new();
    let engine = rig.engine();
    let _running = engine.start();
    let id = accept(&engine).await;
    rig.until(id, State::Sent).await;
    let report = by_reference(id.reference(), ReportStatus::Delivered);
    let main = name("main");
    let first = engine.report(&main, report.clone()).await.unwrap();
    let version = rig.message(id).await.progress.version;
    let second = engine.report(&main, report).await.unwrap();
    assert_eq!(
        (first, second),
        (Reported::Applied(id), Reported::Repeated(id))
    );
    assert_eq!(rig.message(id).await.progress.version, version);
}

#[tokio::test(start_paused = true)]
async fn a_report_by_our_own_id_is_applied() {
    let rig = Rig::new();
    let engine = rig.engine();
    let _running = engine.start();
    let id = accept(&engine).await;
    rig.until(id, State::Sent).await;
    let report = about(Subject::Id(id), ReportStatus::Undelivered);
    engine.report(&name("main"), report).await.unwrap();
    assert_eq!(rig.state(id).await, State::Undelivered);
}

#[tokio::test(start_paused = true)]
async fn a_report_of_a_message_that_is_not_ours_is_unrelated() {
    let rig = Rig::new();
    let engine = rig.engine();
    let id = accept(&engine).await;
    let main = name("main");
    let stranger = about(
        Subject::Id(MessageId::from_bytes([7; 16])),
        ReportStatus::Delivered,
    );
    assert_eq!(
        engine.report(&main, stranger).await.unwrap(),
        Reported::Unrelated
    );
    let early = about(Subject::Id(id), ReportStatus::Delivered);
    let reported = engine.report(&main, early).await.unwrap();
    assert_eq!(reported, Reported::Unrelated, "it was never handed over");
    assert_eq!(rig.state(id).await, State::Queued);
}

#[tokio::test(start_paused = true)]
async fn another_provider_cannot_report_on_a_message_it_was_not_given() {
    let rig = Rig::new();
    let engine = rig.engine();
    let _running = engine.start();
    let id = accept(&engine).await;
    rig.until(id, State::Sent).await;
    let report = by_reference(id.reference(), ReportStatus::Undelivered);
    let reported = engine.report(&name("other"), report).await.unwrap();
    assert_eq!(reported, Reported::Unrelated);
    assert_eq!(rig.state(id).await, State::Sent);
}

#[tokio::test(start_paused = true)]
async fn a_report_after_the_window_still_settles_the_message() {
    let rig = Rig::new();
    let engine = rig.engine();
    let _running = engine.start();
    let id = accept(&engine).await;
    rig.until(id, State::Unknown).await;
    let report = by_provider_id("provider-1", ReportStatus::Delivered);
    engine.report(&name("main"), report).await.unwrap();
    let message = rig.message(id).await;
    assert_eq!(message.state(), State::Delivered);
    assert!(message.progress.reports[0].late);
}

#[tokio::test(start_paused = true)]
async fn a_report_that_cannot_be_kept_is_not_confirmed() {
    let rig = Rig::new();
    let (engine, switch) = rig.disturbed();
    let _running = engine.start();
    let id = accept(&engine).await;
    rig.until(id, State::Sent).await;
    switch.set(Port::Store, "commit", Fault::Refuse);
    let report = by_reference(id.reference(), ReportStatus::Delivered);
    let main = name("main");
    assert!(engine.report(&main, report.clone()).await.is_err());
    switch.heal();
    let reported = engine.report(&main, report).await.unwrap();
    assert_eq!(reported, Reported::Applied(id));
}

#[tokio::test(start_paused = true)]
async fn a_parked_report_of_a_stranger_is_forgotten_after_three_days() {
    let rig = Rig::new();
    let setup = rig.setup();
    let engine = rig
        .bare(&std::sync::Arc::default())
        .provider(setup)
        .sweep_interval(600 * SECOND)
        .build()
        .unwrap();
    let _running = engine.start();
    let report = by_provider_id("nobody", ReportStatus::Delivered);
    engine.report(&name("main"), report).await.unwrap();
    sleep(70 * 3_600 * SECOND).await;
    assert_eq!(parked(&rig).await, 1);
    sleep(144 * 3_600 * SECOND).await;
    assert_eq!(parked(&rig).await, 0);
}

/// Sixteen of them are kept with a message, and any number is parked.
#[tokio::test(start_paused = true)]
async fn of_the_words_of_a_report_only_the_beginning_is_kept() {
    let rig = Rig::new();
    let engine = rig.engine();
    let _running = engine.start();
    let id = accept(&engine).await;
    rig.until(id, State::Sent).await;
    for subject in [
        Subject::Reference(id.reference()),
        Subject::ProviderId("unheard-of".parse().unwrap()),
    ] {
        let long = Some("x".repeat(1_000_000));
        let report = IncomingReport {
            receipt_id: long.clone(),
            code: long.clone(),
            text: long,
            ..about(subject, ReportStatus::Buffered)
        };
        engine.report(&name("main"), report).await.unwrap();
    }
    let mut kept = rig.message(id).await.progress.reports;
    let parked = rig.store.parked_due(Timestamp::MAX, 10).await.unwrap();
    kept.extend(parked.into_iter().map(|parked| parked.report));
    let length = |words: Option<String>| words.map_or(0, |words| words.len());
    let lengths = kept
        .into_iter()
        .map(|one| [one.receipt_id, one.code, one.text].map(length));
    assert_eq!(lengths.collect::<Vec<_>>(), [[255, 64, 500]; 2]);
}
