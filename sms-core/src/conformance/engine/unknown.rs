//! Attempts that ended without word.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::sleep;

use super::Subject;
use super::process::Process;
use super::world::{
    A_WHILE, RETRY, WINDOW, World, by_reference, de_duplicating, new_message, outcomes, plain,
    provider_id, taken, with_policy,
};
use crate::{
    AttemptOutcome, MessageId, NewMessage, Outcome, ProviderId, QueryAnswer, ReportStatus,
    Reported, State, StatusQuery, Submission, UnknownPolicy,
};

/// The pause before a provider is asked, and a little more.
pub(super) const QUERY: Duration = Duration::from_secs(16);

/// A provider that gives this answer to every question.
#[derive(Debug)]
pub(super) struct Says(pub(super) QueryAnswer);

#[async_trait]
impl StatusQuery for Says {
    async fn query(&self, _: &Submission, _: Option<&ProviderId>) -> QueryAnswer {
        self.0.clone()
    }
}

/// The provider knows the reference, so the message is taken once.
pub async fn an_unknown_outcome_is_submitted_again_where_the_provider_de_duplicates(
    place: Subject,
) {
    let duplicate = Outcome::Duplicate {
        provider_id: Some(provider_id("p1")),
    };
    let provider = de_duplicating().then([Outcome::Unknown, duplicate]);
    let world = World::with(place, provider);
    let (process, id) = unconfirmed(&world, new_message()).await;
    world.skip(RETRY);
    process.until(id, State::Sent).await;
    assert_same_submissions(&world, 2);
}

/// Every submission says the same, but for the number of the attempt.
pub(super) fn assert_same_submissions(world: &World, count: usize) {
    let mut submissions = world.provider.submissions();
    assert_eq!(submissions.len(), count);
    for (number, submission) in (1..).zip(&mut submissions) {
        assert_eq!(submission.attempt, number);
        submission.attempt = 1;
    }
    assert!(submissions.iter().all(|one| *one == submissions[0]));
}

/// It is not sent again meanwhile, however long that takes.
pub async fn an_unknown_outcome_is_held_until_a_report_settles_it(place: Subject) {
    let world = World::with(place, plain().then([Outcome::Unknown]));
    let (process, id) = unconfirmed(&world, new_message()).await;
    for _ in 0..3 {
        world.skip(WINDOW / 4);
        sleep(A_WHILE / 2).await;
        assert_eq!(process.state(id).await, State::Unconfirmed);
    }
    let report = by_reference(id, ReportStatus::Delivered);
    assert_eq!(process.report(report).await, Reported::Applied(id));
    assert_eq!(process.state(id).await, State::Delivered);
    assert_eq!(world.submissions(), 1);
}

/// The end is named as what it is; a report that comes after all still counts.
pub async fn an_unknown_outcome_that_nobody_settles_ends_with_its_window(place: Subject) {
    let world = World::with(place, plain().then([Outcome::Unknown]));
    let (process, id) = unconfirmed(&world, new_message()).await;
    world.skip(WINDOW);
    process.until(id, State::Unknown).await;
    process
        .report(by_reference(id, ReportStatus::Delivered))
        .await;
    let message = process.message(id).await;
    assert_eq!(message.state(), State::Delivered);
    assert!(message.progress.reports[0].late);
    assert_eq!(world.submissions(), 1);
}

/// Silence is worse than two copies.
pub async fn an_unknown_outcome_is_submitted_again_where_duplicates_are_preferred(place: Subject) {
    let world = World::with(place, plain().then([Outcome::Unknown]));
    let wanted = with_policy(UnknownPolicy::PreferDuplicate);
    let (process, id) = unconfirmed(&world, wanted).await;
    sleep(A_WHILE).await;
    assert_eq!(world.submissions(), 1, "a report may still settle it");
    world.skip(RETRY);
    let sent = process.until(id, State::Sent).await;
    let expected = [AttemptOutcome::Unknown, AttemptOutcome::Accepted];
    assert_eq!(outcomes(&sent), expected.map(Some));
}

/// Two copies are worse than silence.
pub async fn an_unknown_outcome_is_given_up_where_loss_is_preferred(place: Subject) {
    let world = World::with(place, plain().then([Outcome::Unknown]));
    let wanted = with_policy(UnknownPolicy::PreferLoss);
    let (process, id) = unconfirmed(&world, wanted).await;
    world.skip(RETRY);
    process.until(id, State::Unknown).await;
    assert_eq!(world.submissions(), 1);
}

/// The provider has it.
pub async fn an_unknown_outcome_is_settled_by_asking(place: Subject) {
    let mut world = World::with(place, plain().then([Outcome::Unknown]));
    world.query = Some(Arc::new(Says(QueryAnswer::Taken {
        provider_id: Some(provider_id("p1")),
        status: Some(ReportStatus::Delivered),
    })));
    let (process, id) = unconfirmed(&world, new_message()).await;
    world.skip(QUERY);
    process.until(id, State::Delivered).await;
    assert_eq!(world.submissions(), 1);
}

/// So nothing is risked by that.
pub async fn a_message_that_the_provider_says_it_does_not_have_is_submitted_again(place: Subject) {
    let provider = plain().then([Outcome::Unknown, taken("p1")]);
    let mut world = World::with(place, provider);
    world.query = Some(Arc::new(Says(QueryAnswer::NotTaken)));
    let (process, id) = unconfirmed(&world, new_message()).await;
    world.skip(QUERY);
    process.until(id, State::Queued).await;
    world.skip(RETRY);
    process.until(id, State::Sent).await;
    assert_eq!(world.submissions(), 2);
}

/// A worker, and a message of which it does not know whether it was taken.
async fn unconfirmed(world: &World, new: NewMessage) -> (Process, MessageId) {
    let process = world.worker().await;
    let id = process.accept(new).await;
    process.until(id, State::Unconfirmed).await;
    (process, id)
}
