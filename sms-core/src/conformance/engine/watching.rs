//! Following one message.

use tokio::time::timeout;

use super::Subject;
use super::process::Process;
use super::world::{SOON, World, by_reference, new_message};
use crate::{MessageId, ReportStatus, State};

/// Until it is final.
pub async fn a_watch_shows_a_message_until_its_end(place: Subject) {
    let world = World::new(place);
    let worker = world.worker().await;
    follow(&world, &worker, &worker).await;
}

/// The one that is asked is not the one that works.
pub async fn a_watch_sees_what_other_processes_do(place: Subject) {
    let world = World::new(place);
    let (api, worker) = (world.api().await, world.worker().await);
    follow(&world, &api, &worker).await;
}

async fn follow(world: &World, asked: &Process, worker: &Process) {
    let id = asked.accept(new_message()).await;
    let seen = asked.begin(async move |engine| {
        let mut watch = engine
            .watch(id)
            .await
            .expect("the store answers")
            .expect("it is there");
        let mut seen = Vec::new();
        while let Some(message) = watch.next().await {
            seen.push(message.expect("the store answers").state());
        }
        seen
    });
    world.until_submitted(1).await;
    deliver(worker, id).await;
    let seen = timeout(SOON, seen)
        .await
        .expect("a watch ends")
        .expect("the process lives");
    assert_eq!(seen.last(), Some(&State::Delivered));
    assert!(seen.is_sorted(), "it went back: {seen:?}");
}

async fn deliver(worker: &Process, id: MessageId) {
    worker.until(id, State::Sent).await;
    worker
        .report(by_reference(id, ReportStatus::Delivered))
        .await;
}
