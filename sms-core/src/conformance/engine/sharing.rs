//! Hints that go astray, and several processes over one store and queue.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Subject;
use super::process::Process;
use super::world::{A_WHILE, HINT, SOON, World, new_message, plain, taken};
use crate::testing::{Fault, Port, ScriptedProvider, Step};
use crate::{Drained, MessageId, ProviderSetup, State};

/// The queue forgot everything; the deadlines in the store bring it back.
pub async fn lost_hints_cost_time_and_nothing_else(place: Subject) {
    let world = World::new(place);
    let (api, worker) = (world.api().await, world.worker().await);
    api.switch.set(Port::Queue, "push", Fault::Lose);
    let ids = accept(&api, 20).await;
    sleep(A_WHILE).await;
    assert_eq!(world.submissions(), 0, "nobody was told");
    world.skip(HINT);
    all_sent_once(&world, &worker, &ids).await;
}

/// Queues deliver at least once.
pub async fn hints_that_come_twice_do_no_harm(place: Subject) {
    let world = World::new(place);
    let (api, worker) = (world.api().await, world.worker().await);
    api.switch.set(Port::Queue, "push", Fault::Double);
    let ids = accept(&api, 50).await;
    all_sent_once(&world, &worker, &ids).await;
}

/// Accepted means stored, and they go out when the queue is back.
pub async fn messages_are_accepted_while_the_queue_is_down(place: Subject) {
    let world = World::new(place);
    let (api, worker) = (world.api().await, world.worker().await);
    for process in [&api, &worker] {
        process.switch.set(Port::Queue, "push", Fault::Refuse);
    }
    let ids = accept(&api, 10).await;
    world.skip(HINT);
    sleep(A_WHILE).await;
    assert_eq!(world.submissions(), 0, "there is no queue");
    for process in [&api, &worker] {
        process.switch.heal();
    }
    // It is hinted again at growing intervals.
    world.skip(Duration::from_secs(60));
    all_sent_once(&world, &worker, &ids).await;
}

/// Each speaks to the provider for itself here, so that it shows who submitted what.
pub async fn two_workers_share_the_work_and_submit_each_message_once(place: Subject) {
    let world = World::new(place);
    let api = world.api().await;
    let providers = [(); 2].map(|()| Arc::new(plain()));
    let _workers = [
        worker_at(&world, &providers[0]).await,
        worker_at(&world, &providers[1]).await,
    ];
    let submitted = || providers.each_ref().map(|provider| provider.submissions());
    let mut ids = accept(&api, 50).await;
    let end = Instant::now() + SOON;
    // Many messages that come at once may go to one worker, in one hint.
    while submitted().iter().any(Vec::is_empty) {
        assert!(Instant::now() < end, "one of them gets nothing");
        ids.extend(accept(&api, 1).await);
        sleep(Duration::from_millis(5)).await;
    }
    for id in &ids {
        api.until(*id, State::Sent).await;
    }
    let submitted = submitted().concat();
    let messages: HashSet<MessageId> = submitted.iter().map(|one| one.id).collect();
    assert_eq!((messages.len(), submitted.len()), (ids.len(), ids.len()));
}

async fn worker_at(world: &World, provider: &Arc<ScriptedProvider>) -> Process {
    let setup = ProviderSetup {
        concurrency: 2,
        ..world.setup(provider.clone())
    };
    world
        .process_at(setup, |builder| builder)
        .await
        .work()
        .await
}

/// All of them find the same deadlines passed.
pub async fn several_sweepers_do_no_harm(place: Subject) {
    let world = World::new(place);
    let api = world.api().await;
    api.switch.set(Port::Queue, "push", Fault::Lose);
    let ids = accept(&api, 50).await;
    let workers = [
        world.worker().await,
        world.worker().await,
        world.worker().await,
    ];
    world.skip(HINT);
    all_sent_once(&world, &workers[0], &ids).await;
}

/// It finishes what it has begun, and no more.
pub async fn a_process_that_drains_leaves_the_rest_to_others(place: Subject) {
    let world = World::new(place);
    let step = |n: u32| Step::SayAfter(Duration::from_millis(5), taken(&format!("p{n}")).into());
    world.provider.push((0..60).map(step));
    let api = world.api().await;
    let worker = worker_at(&world, &world.provider).await;
    let ids = accept(&api, 60).await;
    world.until_submitted(1).await;
    assert_eq!(worker.drain().await, Drained::Clean);
    for id in &ids {
        let state = api.state(*id).await;
        assert!(
            matches!(state, State::Queued | State::Sent),
            "{state} after a drain"
        );
    }
    let done = world.submissions();
    sleep(A_WHILE).await;
    assert_eq!(world.submissions(), done, "it takes nothing more");
    drop(worker);
    let other = world.worker().await;
    world.skip(HINT);
    all_sent_once(&world, &other, &ids).await;
}

pub(super) async fn accept(process: &Process, count: usize) -> Vec<MessageId> {
    let mut ids = Vec::with_capacity(count);
    for _ in 0..count {
        ids.push(process.accept(new_message()).await);
    }
    ids
}

pub(super) async fn all_sent_once(world: &World, process: &Process, ids: &[MessageId]) {
    for id in ids {
        process.until(*id, State::Sent).await;
    }
    sleep(A_WHILE / 2).await;
    assert_eq!(
        (world.references(), world.submissions()),
        (ids.len(), ids.len())
    );
}
