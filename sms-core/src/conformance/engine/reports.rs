//! Reports: early, twice, out of order, of strangers.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Subject;
use super::process::Process;
use super::world::{
    A_WHILE, HINT, SOON, World, by_provider_id, by_reference, holding, new_message, plain,
    provider_id, taken, unnamed,
};
use crate::testing::{Fault, HeldAnswer, Port};
use crate::{MessageId, ReportStatus, Reported, State};

/// The provider is quicker with its report than with its answer.
pub async fn a_report_before_the_answer_counts_at_once(place: Subject) {
    let (world, worker, id, answer) = thinking(place).await;
    let api = world.api().await;
    let report = by_reference(id, ReportStatus::Delivered);
    assert_eq!(api.report(report).await, Reported::Applied(id));
    assert_eq!(worker.state(id).await, State::Delivered);
    answer.say(taken("p1"));
    let end = Instant::now() + SOON;
    while worker.message(id).await.progress.attempts[0]
        .provider_id
        .is_none()
    {
        assert!(Instant::now() < end, "the answer is lost");
        sleep(Duration::from_millis(3)).await;
    }
    assert_eq!(worker.state(id).await, State::Delivered);
}

/// The report names the id that the answer is to bring.
pub async fn a_report_under_an_unknown_id_waits_for_the_answer(place: Subject) {
    let (world, worker, id, answer) = thinking(place).await;
    let api = world.api().await;
    for status in [ReportStatus::Buffered, ReportStatus::Delivered] {
        let report = by_provider_id("p1", status);
        assert_eq!(api.report(report).await, Reported::Parked);
    }
    assert_eq!(worker.state(id).await, State::Sending);
    answer.say(taken("p1"));
    let message = worker.until(id, State::Delivered).await;
    assert_eq!(
        message.progress.reports.len(),
        2,
        "without waiting for the sweep"
    );
}

/// It died after it had stored the id and before it looked for reports.
pub async fn a_report_whose_worker_died_is_joined_by_the_sweep(place: Subject) {
    let (world, worker, id, answer) = thinking(place).await;
    worker.switch.set(Port::Store, "parked", Fault::HangBefore);
    let report = by_provider_id("p1", ReportStatus::Delivered);
    assert_eq!(worker.report(report).await, Reported::Parked);
    answer.say(taken("p1"));
    worker.until(id, State::Sent).await;
    worker.kill();
    let other = world.worker().await;
    world.skip(HINT);
    other.until(id, State::Delivered).await;
}

/// Providers repeat what was not confirmed in time.
pub async fn a_repeated_report_changes_nothing(place: Subject) {
    let world = World::new(place);
    let process = world.worker().await;
    let id = process.accept(new_message()).await;
    process.until(id, State::Sent).await;
    let report = by_reference(id, ReportStatus::Delivered);
    assert_eq!(process.report(report.clone()).await, Reported::Applied(id));
    let once = process.message(id).await;
    let other = world.api().await;
    for process in [&process, &other] {
        assert_eq!(process.report(report.clone()).await, Reported::Repeated(id));
    }
    assert_eq!(process.message(id).await, once);
}

/// What is final stays.
pub async fn reports_out_of_order_lead_to_the_same_end(place: Subject) {
    let world = World::new(place);
    let process = world.worker().await;
    let id = process.accept(new_message()).await;
    process.until(id, State::Sent).await;
    for status in [
        ReportStatus::Delivered,
        ReportStatus::Buffered,
        ReportStatus::Undelivered,
    ] {
        process.report(by_reference(id, status)).await;
        assert_eq!(process.state(id).await, State::Delivered);
    }
}

/// It is kept for as long as an answer could take, and disturbs nobody.
pub async fn a_report_of_a_stranger_waits_and_is_forgotten(place: Subject) {
    let world = World::new(place.clone());
    let process = world.worker().await;
    let report = by_provider_id("stranger", ReportStatus::Delivered);
    assert_eq!(process.report(report).await, Reported::Parked);
    let id = process.accept(new_message()).await;
    process.until(id, State::Sent).await;
    let (store, _) = place.connect().await;
    let parked = async || {
        let parked = store.parked_due(crate::Timestamp::MAX, 10).await;
        parked.expect("the store answers").len()
    };
    world.skip(HINT);
    sleep(A_WHILE).await;
    assert_eq!(parked().await, 1);
    let end = Instant::now() + SOON;
    while parked().await > 0 {
        assert!(Instant::now() < end, "it is never forgotten");
        world.skip(Duration::from_secs(24 * 3_600));
        sleep(Duration::from_millis(20)).await;
    }
}

/// Where it came to names its message, if anything does; the engine does not guess.
pub async fn a_report_that_names_no_message_is_kept_nowhere(place: Subject) {
    let world = World::new(place.clone());
    let process = world.worker().await;
    let id = process.accept(new_message()).await;
    process.until(id, State::Sent).await;
    let report = unnamed(ReportStatus::Delivered);
    assert_eq!(process.report(report).await, Reported::Unrelated);
    assert_eq!(process.state(id).await, State::Sent);
    let (store, _) = place.connect().await;
    let parked = store.parked_due(crate::Timestamp::MAX, 10).await;
    assert!(parked.expect("the store answers").is_empty());
}

/// Later reports name the id of the answer.
pub async fn the_id_of_the_answer_is_found_though_a_report_named_another(place: Subject) {
    let (_world, worker, id, answer) = thinking(place).await;
    let mut early = by_reference(id, ReportStatus::Buffered);
    early.provider_id = Some(provider_id("of-report"));
    assert_eq!(worker.report(early).await, Reported::Applied(id));
    let waiting = by_provider_id("of-answer", ReportStatus::Buffered);
    assert_eq!(worker.report(waiting).await, Reported::Parked);
    answer.say(taken("of-answer"));
    let end = Instant::now() + SOON;
    while worker.message(id).await.progress.reports.len() < 2 {
        assert!(
            Instant::now() < end,
            "what waited for the answer is not joined"
        );
        sleep(Duration::from_millis(3)).await;
    }
    for other in ["of-answer", "of-report"] {
        let report = by_provider_id(other, ReportStatus::Delivered);
        assert_eq!(
            worker.report(report).await,
            Reported::Applied(id),
            "{other}"
        );
    }
}

/// A worker whose provider has the message and has not answered yet.
async fn thinking(place: Subject) -> (World, Process, MessageId, HeldAnswer) {
    let (provider, [answer]) = holding(plain());
    let world = World::with(place, provider);
    let worker = world.worker().await;
    let id = worker.accept(new_message()).await;
    world.until_submitted(1).await;
    (world, worker, id, answer)
}
