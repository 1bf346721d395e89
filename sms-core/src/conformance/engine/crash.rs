//! Processes that die at the worst moments.

use std::sync::Arc;

use tokio::time::sleep;

use super::Subject;
use super::process::Process;
use super::sharing::{accept, all_sent_once};
use super::unknown::{QUERY, Says, assert_same_submissions};
use super::world::{
    A_WHILE, HINT, LEASE, RETRY, WINDOW, World, by_provider_id, by_reference, de_duplicating,
    holding, new_message, outcomes, plain, provider_id, taken, until, with_policy,
};
use crate::testing::{Fault, Port, ScriptedProvider, Step};
use crate::{
    AttemptOutcome, ListFilter, MessageId, NewMessage, Outcome, QueryAnswer, ReportStatus,
    Reported, State, UnknownPolicy,
};

/// Stored and answered, but not in the queue.
pub async fn a_process_that_dies_before_the_queue_has_a_message_does_not_lose_it(place: Subject) {
    let world = World::new(place);
    let api = world.api().await;
    api.switch.set(Port::Queue, "push", Fault::HangBefore);
    let ids = accept(&api, 5).await;
    api.kill();
    let worker = world.worker().await;
    sleep(A_WHILE).await;
    assert_eq!(world.submissions(), 0, "the queue knows nothing");
    world.skip(HINT);
    all_sent_once(&world, &worker, &ids).await;
}

/// The client has no answer and asks again with its key.
pub async fn a_process_that_dies_before_it_could_answer_leaves_one_message(place: Subject) {
    let world = World::new(place);
    let keyed = NewMessage {
        idempotency_key: Some("order-1".parse().expect("a key")),
        ..new_message()
    };
    let (api, worker) = (world.api().await, world.worker().await);
    api.switch.set(Port::Store, "insert", Fault::HangAfter);
    let unanswered = {
        let keyed = keyed.clone();
        api.begin(async move |engine| engine.accept(keyed).await)
    };
    while total(&worker).await == 0 {
        sleep(A_WHILE / 10).await;
    }
    api.kill();
    assert!(unanswered.await.is_err(), "it died before it could answer");
    let again = worker.try_accept(keyed).await.expect("it is accepted");
    assert!(again.replayed);
    world.skip(HINT);
    all_sent_once(&world, &worker, &[again.message.id()]).await;
    assert_eq!(total(&worker).await, 1);
}

async fn total(process: &Process) -> usize {
    let page = process
        .call(async |engine| engine.list(&ListFilter::default(), None, 10).await)
        .await;
    page.expect("the store answers").messages.len()
}

/// With the same reference and the same contents, so that it counts once.
pub async fn taken_and_then_dead_is_submitted_again_where_the_provider_de_duplicates(
    place: Subject,
) {
    let duplicate = Outcome::Duplicate {
        provider_id: Some(provider_id("p1")),
    };
    let provider = de_duplicating().then([Step::Hang, duplicate.into()]);
    let (world, heir, id) = taken_and_dead(place, provider, new_message(), None).await;
    world.skip(RETRY);
    let sent = heir.until(id, State::Sent).await;
    let expected = [AttemptOutcome::Unknown, AttemptOutcome::Duplicate];
    assert_eq!(outcomes(&sent), expected.map(Some));
    assert_same_submissions(&world, 2);
    let report = by_provider_id("p1", ReportStatus::Delivered);
    assert_eq!(heir.report(report).await, Reported::Applied(id));
    assert_eq!(heir.state(id).await, State::Delivered);
    assert_eq!(total(&heir).await, 1);
}

/// It is never sent again blindly.
pub async fn taken_and_then_dead_is_settled_by_a_report(place: Subject) {
    let provider = plain().then([Step::Hang]);
    let (world, heir, id) = taken_and_dead(place, provider, new_message(), None).await;
    for _ in 0..3 {
        world.skip(WINDOW / 4);
        sleep(A_WHILE / 2).await;
        assert_eq!(heir.state(id).await, State::Unconfirmed);
    }
    let report = by_reference(id, ReportStatus::Delivered);
    assert_eq!(heir.report(report).await, Reported::Applied(id));
    assert_eq!(heir.state(id).await, State::Delivered);
    assert_eq!(world.submissions(), 1);
}

/// The provider can say.
pub async fn taken_and_then_dead_is_settled_by_asking(place: Subject) {
    let provider = plain().then([Step::Hang]);
    let answer = QueryAnswer::Taken {
        provider_id: Some(provider_id("p1")),
        status: None,
    };
    let (world, heir, id) = taken_and_dead(place, provider, new_message(), Some(answer)).await;
    world.skip(QUERY);
    heir.until(id, State::Sent).await;
    let report = by_provider_id("p1", ReportStatus::Delivered);
    assert_eq!(heir.report(report).await, Reported::Applied(id));
    assert_eq!(world.submissions(), 1);
}

/// As its sender chose: held to the end, sent again, or given up.
pub async fn taken_and_then_dead_is_settled_by_its_policy(place: Subject) {
    use UnknownPolicy::{Hold, PreferDuplicate, PreferLoss};
    // One place for all three: the window of the one that is held ends last.
    let provider = plain().then([Step::Hang, Step::Hang, Step::Hang]);
    let world = World::with(place, provider);
    let worker = world.worker().await;
    let policies = [Hold, PreferDuplicate, PreferLoss];
    let [held, doubled, lost] = policies.map(|policy| worker.accept(with_policy(policy)));
    let (held, doubled, lost) = (held.await, doubled.await, lost.await);
    world.until_submitted(3).await;
    worker.kill();
    let heir = world.worker().await;
    world.skip(LEASE);
    for id in [held, doubled, lost] {
        heir.until(id, State::Unconfirmed).await;
    }
    world.skip(RETRY);
    heir.until(doubled, State::Sent).await;
    heir.until(lost, State::Unknown).await;
    assert_eq!(heir.state(held).await, State::Unconfirmed);
    world.skip(WINDOW);
    heir.until(held, State::Unknown).await;
    let submissions = [held, doubled, lost].map(|id| world.submissions_of(id));
    assert_eq!(submissions, [1, 2, 1]);
}

/// Nobody else can know what it was told.
pub async fn an_answer_that_died_with_its_worker_is_an_unknown_outcome(place: Subject) {
    let (provider, [answer]) = holding(plain());
    let world = World::with(place, provider);
    let worker = world.worker().await;
    let id = worker.accept(new_message()).await;
    world.until_submitted(1).await;
    let commits = worker.switch.calls(Port::Store, "commit");
    worker.switch.set(Port::Store, "commit", Fault::HangBefore);
    answer.say(taken("p1"));
    until("the answer is about to be kept", || {
        worker.switch.calls(Port::Store, "commit") > commits
    })
    .await;
    worker.kill();
    let heir = world.worker().await;
    world.skip(LEASE);
    heir.until(id, State::Unconfirmed).await;
    world.skip(RETRY);
    sleep(A_WHILE).await;
    assert_eq!(world.submissions(), 1);
    heir.report(by_reference(id, ReportStatus::Delivered)).await;
    assert_eq!(heir.state(id).await, State::Delivered);
}

/// It had taken them from the queue and claimed nothing yet.
pub async fn hints_in_the_hands_of_a_dead_process_come_to_another(place: Subject) {
    let world = World::new(place);
    let (api, worker) = (world.api().await, world.worker().await);
    worker.switch.set(Port::Store, "commit", Fault::HangBefore);
    let ids = accept(&api, 10).await;
    until("it reaches for them", || {
        worker.switch.calls(Port::Store, "commit") > 0
    })
    .await;
    worker.kill();
    let heir = world.worker().await;
    world.skip(HINT);
    all_sent_once(&world, &heir, &ids).await;
}

/// A message that its provider has while its worker is dead, and a worker that took over.
async fn taken_and_dead(
    place: Subject,
    provider: ScriptedProvider,
    new: NewMessage,
    answer: Option<QueryAnswer>,
) -> (World, Process, MessageId) {
    let mut world = World::with(place, provider);
    if let Some(answer) = answer {
        world.query = Some(Arc::new(Says(answer)));
    }
    let worker = world.worker().await;
    let id = worker.accept(new).await;
    world.until_submitted(1).await;
    worker.kill();
    let heir = world.worker().await;
    sleep(A_WHILE).await;
    assert_eq!(
        heir.state(id).await,
        State::Sending,
        "its lease has not ended"
    );
    world.skip(LEASE);
    heir.until(id, State::Unconfirmed).await;
    (world, heir, id)
}
