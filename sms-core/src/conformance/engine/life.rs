//! The ordinary life of a message, and its refusals.

use std::time::Duration;

use tokio::time::sleep;

use super::Subject;
use super::world::{
    A_WHILE, RETRY, UNAVAILABLE, World, by_provider_id, new_message, outcomes, plain, retries,
    states, until,
};
use crate::{AttemptOutcome, Outcome, ReportStatus, Reported, State};

/// The whole way.
pub async fn a_message_is_accepted_sent_and_delivered(place: Subject) {
    let world = World::new(place);
    let process = world.worker().await;
    let id = process.accept(new_message()).await;
    let sent = process.until(id, State::Sent).await;
    let open_until = sent
        .progress
        .deadline
        .expect("what is not final has a deadline");
    assert!(open_until > world.now());
    let report = by_provider_id("provider-1", ReportStatus::Delivered);
    assert_eq!(process.report(report).await, Reported::Applied(id));
    let message = process.message(id).await;
    let life = [State::Queued, State::Sending, State::Sent, State::Delivered];
    assert_eq!(states(&message), life);
    assert_eq!(message.progress.deadline, None);
    assert_eq!(world.submissions(), 1);
}

/// The provider is down for a while.
pub async fn a_message_that_was_not_taken_is_tried_again_after_a_growing_delay(place: Subject) {
    let world = World::with(place, plain().then([UNAVAILABLE, UNAVAILABLE]));
    let process = world.worker().await;
    let id = process.accept(new_message()).await;
    for (attempt, seconds) in [(1, 30), (2, 60)] {
        world.until_submitted(attempt).await;
        let waiting = process.until(id, State::Queued).await;
        let failed_at = waiting.progress.since().expect("it has a timeline");
        let delay = Duration::from_secs(seconds);
        assert_eq!(waiting.progress.ready_at, Some(failed_at + delay));
        sleep(A_WHILE).await;
        assert_eq!(world.submissions(), attempt, "its time has not come");
        world.skip(delay);
    }
    let sent = process.until(id, State::Sent).await;
    let unavailable = Some(AttemptOutcome::Unavailable);
    let taken = Some(AttemptOutcome::Accepted);
    assert_eq!(outcomes(&sent), [unavailable, unavailable, taken]);
}

/// The provider stays down.
pub async fn a_message_that_is_never_taken_fails_when_its_retries_are_used_up(place: Subject) {
    let world = World::with(place, plain().then([UNAVAILABLE, UNAVAILABLE, UNAVAILABLE]));
    let process = world.process(|builder| builder.retry(retries(2))).await;
    let process = process.work().await;
    let id = process.accept(new_message()).await;
    world.through_retries(&process, id, State::Failed).await;
    world.skip(RETRY);
    sleep(A_WHILE).await;
    assert_eq!(world.submissions(), 3);
}

/// The provider will never take it.
pub async fn a_refused_message_is_rejected_and_not_tried_again(place: Subject) {
    let world = World::with(place, plain().then([Outcome::Rejected]));
    let process = world.worker().await;
    let id = process.accept(new_message()).await;
    process.until(id, State::Rejected).await;
    world.skip(RETRY);
    sleep(A_WHILE).await;
    assert_eq!(world.submissions(), 1);
    assert_eq!(process.state(id).await, State::Rejected);
}

/// The provider asks for fewer messages, more often than a message is tried again.
pub async fn a_throttled_message_goes_out_later_and_uses_up_no_retry(place: Subject) {
    let retry_after = Some(Duration::from_millis(5));
    let throttled = [(); 4].map(|()| Outcome::Throttled { retry_after });
    let world = World::with(place, plain().then(throttled));
    let process = world.process(|builder| builder.retry(retries(2))).await;
    let process = process.work().await;
    let id = process.accept(new_message()).await;
    world.through_retries(&process, id, State::Sent).await;
    assert_eq!(world.submissions(), 5);
}

/// More than one hint names, and more than the provider takes at a time.
pub async fn a_backlog_is_submitted_whole_and_each_message_once(place: Subject) {
    let world = World::new(place);
    let process = world.worker().await;
    let accepted = process
        .call(async |engine| engine.accept_many(vec![new_message(); 200]).await)
        .await;
    assert!(accepted.iter().all(Result::is_ok));
    world.until_submitted(200).await;
    let last = accepted
        .into_iter()
        .last()
        .and_then(Result::ok)
        .expect("200 were accepted");
    process.until(last.message.id(), State::Sent).await;
    until("every message is submitted", || world.references() == 200).await;
    sleep(A_WHILE).await;
    assert_eq!(world.submissions(), 200);
}
