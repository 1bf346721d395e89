//! The books: every message is counted once, and goes when its time is over.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Subject;
use super::process::Process;
use super::world::{SOON, UNAVAILABLE, World, by_reference, holding, new_message, plain, taken};
use crate::{
    ListFilter, Message, MessageId, NewMessage, Outcome, ReportStatus, State, StateCounts,
};

/// Over one message in almost every state.
pub async fn counts_equal_the_sum_and_nothing_open_lacks_a_deadline(place: Subject) {
    let (provider, [_never]) = holding(plain().then([
        taken("p1"),
        taken("p2"),
        Outcome::Rejected,
        Outcome::Unknown,
        UNAVAILABLE,
    ]));
    let world = World::with(place, provider);
    let worker = world.worker().await;
    let states = [
        State::Delivered,
        State::Sent,
        State::Rejected,
        State::Unconfirmed,
        State::Queued,
        State::Sending,
    ];
    for (count, state) in (1..).zip(states) {
        let id = worker.accept(new_message()).await;
        world.until_submitted(count).await;
        if state == State::Delivered {
            worker.until(id, State::Sent).await;
            worker
                .report(by_reference(id, ReportStatus::Delivered))
                .await;
        }
        worker.until(id, state).await;
    }
    let scheduled = NewMessage {
        send_at: Some(world.now() + Duration::from_secs(3_600)),
        ..new_message()
    };
    worker.accept(scheduled.clone()).await;
    let canceled = worker.accept(scheduled).await;
    worker.cancel(canceled).await;
    let all = list(&worker).await;
    let mut expected = StateCounts::default();
    for message in &all {
        let state = message.state();
        expected.set(state, expected.get(state) + 1);
        assert_eq!(
            message.progress.deadline.is_none(),
            state.is_final(),
            "{state}"
        );
    }
    assert_eq!(all.len(), states.len() + 2);
    let counts = worker.call(async |engine| engine.count().await).await;
    assert_eq!(counts.expect("the store answers"), expected);
}

/// What is not finished stays, however old.
pub async fn finished_messages_go_when_their_time_is_over(place: Subject) {
    let age = Duration::from_secs(7 * 24 * 3_600);
    let world = World::new(place);
    let worker = world.worker().await;
    let (old, open) = (
        worker.accept(new_message()).await,
        worker.accept(new_message()).await,
    );
    for id in [old, open] {
        worker.until(id, State::Sent).await;
    }
    worker
        .report(by_reference(old, ReportStatus::Delivered))
        .await;
    worker.kill();
    world.skip(age + Duration::from_secs(60));
    // The first thing that a sweep does is to look for what may go. The open one ends then, and
    // is young.
    let keeper = world.process(move |builder| builder.retention(age)).await;
    let keeper = keeper.work().await;
    gone(&keeper, old).await;
    keeper.until(open, State::Unknown).await;
    let counts = keeper.call(async |engine| engine.count().await).await;
    assert_eq!(counts.expect("the store answers").total(), 1);
    let found = keeper.call(async move |engine| engine.message(old).await);
    assert_eq!(found.await.expect("the store answers"), None);
}

async fn gone(process: &Process, id: MessageId) {
    let end = Instant::now() + SOON;
    let is_there = async || {
        let found = process.call(async move |engine| engine.message(id).await);
        found.await.expect("the store answers").is_some()
    };
    while is_there().await {
        assert!(Instant::now() < end, "it stays for ever");
        sleep(Duration::from_millis(5)).await;
    }
}

async fn list(process: &Process) -> Vec<Message> {
    let page = process
        .call(async |engine| engine.list(&ListFilter::default(), None, 100).await)
        .await;
    page.expect("the store answers").messages
}
