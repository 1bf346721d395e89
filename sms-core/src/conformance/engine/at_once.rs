//! A worker that accepts a message hands it over itself.

use tokio::time::sleep;

use super::Subject;
use super::process::Process;
use super::world::{A_WHILE, LEASE, World, holding, new_message, outcomes, plain, until};
use crate::testing::{Fault, Port};
use crate::{AttemptOutcome, ListFilter, Message, MessageId, ProviderSetup, State, Throughput};

/// Its claim is stored with it, before the provider hears of it.
pub async fn a_worker_claims_what_it_accepts_with_the_write_that_stores_it(place: Subject) {
    let (provider, [_answer]) = holding(plain());
    let world = World::with(place, provider);
    let (worker, other) = (world.worker().await, world.api().await);
    worker.switch.set(Port::Store, "commit", Fault::HangBefore);
    worker.switch.set(Port::Queue, "push", Fault::Refuse);
    let id = worker.accept(new_message()).await;
    let stored = other.message(id).await;
    assert_eq!(stored.state(), State::Sending);
    assert_eq!(outcomes(&stored), [None], "the attempt is written down");
    world.until_submitted(1).await;
}

/// Nothing was said to the provider, so that nothing is unknown.
pub async fn a_claim_whose_insertion_seemed_to_fail_is_given_back(place: Subject) {
    let world = World::new(place);
    let worker = world.worker().await;
    worker.switch.set(Port::Store, "insert", Fault::LoseAnswer);
    let failed = worker.try_accept(new_message()).await;
    assert!(failed.is_err(), "the answer was lost");
    world.until_submitted(1).await;
    let id = the_only_one(&worker).await.expect("it is stored");
    let sent = worker.until(id, State::Sent).await;
    let expected = [AttemptOutcome::GivenBack, AttemptOutcome::Accepted];
    assert_eq!(outcomes(&sent), expected.map(Some));
    assert_eq!(world.submissions(), 1);
}

/// Nobody can know whether its provider heard of it.
pub async fn a_claim_whose_process_died_while_storing_it_is_an_unknown_outcome(place: Subject) {
    let world = World::new(place);
    let worker = world.worker().await;
    worker.switch.set(Port::Store, "insert", Fault::HangAfter);
    let unanswered = worker.begin(async |engine| engine.accept(new_message()).await);
    let heir = world.api().await;
    let id = loop {
        match the_only_one(&heir).await {
            Some(id) => break id,
            None => sleep(A_WHILE / 10).await,
        }
    };
    worker.kill();
    assert!(unanswered.await.is_err(), "it died before it could answer");
    let heir = heir.work().await;
    world.skip(LEASE);
    heir.until(id, State::Unconfirmed).await;
    sleep(A_WHILE).await;
    assert_eq!(world.submissions(), 0, "never blindly");
}

async fn the_only_one(process: &Process) -> Option<MessageId> {
    let page = process
        .call(async |engine| engine.list(&ListFilter::default(), None, 2).await)
        .await;
    let page = page.expect("the store answers");
    page.messages.first().map(Message::id)
}

/// Beyond what the provider takes at a time, and where messages are to keep a throughput.
pub async fn what_cannot_be_handed_over_at_once_goes_through_the_queue(place: Subject) {
    let (provider, [_first, _second]) = holding(plain());
    let world = World::with(place, provider);
    let narrow = ProviderSetup {
        concurrency: 2,
        ..world.setup(world.provider.clone())
    };
    let slow = ProviderSetup {
        throughput: Some("1000/s".parse::<Throughput>().expect("a throughput")),
        ..world.setup(world.provider.clone())
    };
    let worker = world
        .process_at(narrow, |builder| builder)
        .await
        .work()
        .await;
    let pushes = || worker.switch.calls(Port::Queue, "push");
    until("the lane waits for work, with a slot", || {
        worker.switch.calls(Port::Queue, "lease") > 0
    })
    .await;
    worker.accept(new_message()).await;
    assert_eq!(pushes(), 0);
    worker.accept(new_message()).await;
    world.until_submitted(2).await;
    assert_eq!(pushes(), 1);
    worker.kill();
    let worker = world.process_at(slow, |builder| builder).await.work().await;
    worker.accept(new_message()).await;
    world.until_submitted(3).await;
    assert_eq!(worker.switch.calls(Port::Queue, "push"), 1);
}
