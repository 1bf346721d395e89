//! The rules for a [`Queue`].

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use super::Samples;
use super::samples::provider_name;
use crate::{Hint, MessageId, Priority, ProviderName, Queue, Receipt, Task};

/// The queue under test.
pub type Subject = Arc<dyn Queue>;

/// A hint that was pushed comes within this time, or it is lost. Brokers are quicker by far.
const SOON: Duration = Duration::from_secs(10);

/// Makes one test of every rule for a [`Queue`].
///
/// Takes the path of an `async fn() -> (Arc<dyn Queue>, Kept)` that makes an empty queue which
/// shares nothing with any other. `Kept` is whatever must live as long as the queue.
#[macro_export]
macro_rules! queue_conformance {
    ($fresh:path) => {
        $crate::__conformance_tests! { $fresh, queue:
            what_is_pushed_is_leased
            a_push_without_hints_is_no_error
            a_lease_waits_for_work
            a_waiting_lease_that_is_dropped_loses_nothing
            routes_are_kept_apart
            a_lease_takes_no_more_than_it_needs
            urgent_hints_go_first
            bulk_does_not_starve
            unknown_and_repeated_receipts_are_passed_over
            acknowledged_tasks_do_not_come_again
            a_large_backlog_comes_whole
            many_consumers_share_the_work
        }
    };
}

/// Makes one test of every rule for a queue that outlives its consumers.
///
/// Takes the path of an `async fn() -> (Connect, Kept)`, where `Connect` is an `AsyncFn() ->
/// Arc<dyn Queue>`: every call connects a further consumer to the same, at first empty, queue.
/// Dropping what it gave disconnects that consumer.
#[macro_export]
macro_rules! queue_redelivery {
    ($broker:path) => {
        $crate::__conformance_tests! { $broker, queue:
            tasks_of_a_consumer_that_is_gone_come_again
            acknowledged_tasks_do_not_come_to_another_consumer
            one_consumer_pushes_and_another_leases
        }
    };
}

/// Every id, under whatever priority.
pub async fn what_is_pushed_is_leased(queue: Subject) {
    let samples = Samples::new(1);
    let route = provider_name("main");
    let hints: Vec<Hint> = Priority::ALL
        .into_iter()
        .map(|priority| hint(&samples, &route, priority, 5))
        .collect();
    let expected = ids_of(&hints);
    queue.push(hints).await.expect("push");
    assert_eq!(take(&queue, &route, 20).await, expected);
}

/// The engine may have nothing to say.
pub async fn a_push_without_hints_is_no_error(queue: Subject) {
    queue.push(Vec::new()).await.expect("push");
    queue.acknowledge(Vec::new()).await.expect("acknowledge");
}

/// It does not return empty-handed, and it wakes up when work comes.
pub async fn a_lease_waits_for_work(queue: Subject) {
    let samples = Samples::new(2);
    let route = provider_name("main");
    let waiting = {
        let (queue, route) = (queue.clone(), route.clone());
        tokio::spawn(async move { queue.lease(&route, 10).await })
    };
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished(), "there is nothing to lease yet");
    let pushed = hint(&samples, &route, Priority::Normal, 1);
    queue.push(vec![pushed.clone()]).await.expect("push");
    let tasks = timeout(SOON, waiting).await.expect("the lease wakes up");
    let tasks = tasks.expect("the call does not panic").expect("lease");
    assert_eq!(ids_in(&tasks), pushed.ids);
}

/// A worker that shuts down drops its lease call.
pub async fn a_waiting_lease_that_is_dropped_loses_nothing(queue: Subject) {
    let samples = Samples::new(3);
    let route = provider_name("main");
    for _ in 0..5 {
        let waiting = timeout(Duration::from_millis(20), queue.lease(&route, 10)).await;
        assert!(waiting.is_err(), "there is nothing to lease");
        let pushed = hint(&samples, &route, Priority::Normal, 2);
        let expected = ids_of(std::slice::from_ref(&pushed));
        queue.push(vec![pushed]).await.expect("push");
        assert_eq!(take(&queue, &route, 2).await, expected);
    }
}

/// A provider that is slow or down holds up its own messages only.
pub async fn routes_are_kept_apart(queue: Subject) {
    let samples = Samples::new(4);
    let routes = [
        provider_name("main"),
        provider_name("main.backup"),
        provider_name("M-2_x"),
    ];
    let hints: Vec<Hint> = routes
        .iter()
        .map(|route| hint(&samples, route, Priority::Normal, 3))
        .collect();
    queue.push(hints.clone()).await.expect("push");
    for (route, hint) in routes.iter().zip(&hints).rev() {
        let expected = ids_of(std::slice::from_ref(hint));
        assert_eq!(take(&queue, route, 3).await, expected);
    }
}

/// No further task once the number asked for is reached, at least one task otherwise.
pub async fn a_lease_takes_no_more_than_it_needs(queue: Subject) {
    let samples = Samples::new(5);
    let route = provider_name("main");
    for _ in 0..20 {
        let pushed = hint(&samples, &route, Priority::Normal, 3);
        queue.push(vec![pushed]).await.expect("push");
    }
    let mut left = 60;
    while left > 0 {
        let tasks = lease(&queue, &route, 7).await;
        assert!(!tasks.is_empty(), "a lease that returns has work");
        let (_, before_last) = tasks.split_last().expect("not empty");
        let needed: usize = before_last.iter().map(|task| task.ids.len()).sum();
        assert!(
            needed < 7,
            "{needed} of 7 were there before the last task was taken"
        );
        left -= ids_in(&tasks).len();
        acknowledge(&queue, tasks).await;
    }
}

/// One-time codes do not wait behind a campaign.
pub async fn urgent_hints_go_first(queue: Subject) {
    let samples = Samples::new(6);
    let route = provider_name("main");
    let bulk = single_hints(&samples, &route, Priority::Bulk, 200);
    let urgent = single_hints(&samples, &route, Priority::Otp, 50);
    let otp = ids_of(&urgent);
    queue.push(bulk).await.expect("push");
    queue.push(urgent).await.expect("push");
    let mut early = 0;
    for position in 0..100 {
        let tasks = lease(&queue, &route, 1).await;
        let urgent = ids_in(&tasks).iter().filter(|id| otp.contains(id)).count();
        if position < 70 {
            early += urgent;
        }
        acknowledge(&queue, tasks).await;
    }
    assert!(
        early >= 40,
        "of 50 urgent hints {early} were among the first 70 of 250"
    );
}

/// However many urgent ones keep coming.
pub async fn bulk_does_not_starve(queue: Subject) {
    let samples = Samples::new(7);
    let route = provider_name("main");
    let campaign = hint(&samples, &route, Priority::Bulk, 1);
    queue
        .push(single_hints(&samples, &route, Priority::Otp, 50))
        .await
        .expect("push");
    queue.push(vec![campaign.clone()]).await.expect("push");
    for _ in 0..500 {
        queue
            .push(single_hints(&samples, &route, Priority::Otp, 1))
            .await
            .expect("push");
        let tasks = lease(&queue, &route, 1).await;
        if ids_in(&tasks).contains(&campaign.ids[0]) {
            return;
        }
        acknowledge(&queue, tasks).await;
    }
    panic!("500 urgent hints went first, and more would");
}

/// A task may have come twice, and the consumer that had it may be gone.
pub async fn unknown_and_repeated_receipts_are_passed_over(queue: Subject) {
    let samples = Samples::new(8);
    let route = provider_name("main");
    let unknown = vec![Receipt(0), Receipt(1), Receipt(u128::MAX)];
    queue
        .acknowledge(unknown.clone())
        .await
        .expect("acknowledge");
    for _ in 0..3 {
        let pushed = hint(&samples, &route, Priority::Normal, 2);
        queue.push(vec![pushed.clone()]).await.expect("push");
        let tasks = lease(&queue, &route, 2).await;
        assert_eq!(ids_in(&tasks), pushed.ids);
        for _ in 0..2 {
            acknowledge(&queue, tasks.clone()).await;
            queue
                .acknowledge(unknown.clone())
                .await
                .expect("acknowledge");
        }
    }
}

/// As far as can be told by waiting.
pub async fn acknowledged_tasks_do_not_come_again(queue: Subject) {
    let samples = Samples::new(9);
    let route = provider_name("main");
    let pushed = hint(&samples, &route, Priority::Normal, 10);
    queue.push(vec![pushed]).await.expect("push");
    take(&queue, &route, 10).await;
    let again = timeout(Duration::from_millis(300), queue.lease(&route, 1)).await;
    assert!(again.is_err(), "came again: {again:?}");
}

/// A provider was down for an hour.
pub async fn a_large_backlog_comes_whole(queue: Subject) {
    let samples = Samples::new(10);
    let route = provider_name("main");
    let hints: Vec<Hint> = (0..200)
        .map(|_| hint(&samples, &route, Priority::Normal, 64))
        .collect();
    let expected = ids_of(&hints);
    queue.push(hints).await.expect("push");
    assert_eq!(take(&queue, &route, 200 * 64).await, expected);
}

/// Nothing is lost between them, and each gets something to do.
pub async fn many_consumers_share_the_work(queue: Subject) {
    let samples = Samples::new(11);
    let route = provider_name("main");
    let hints = single_hints(&samples, &route, Priority::Normal, 400);
    let expected = ids_of(&hints);
    let consumers: Vec<_> = (0..8)
        .map(|_| {
            let (queue, route) = (queue.clone(), route.clone());
            tokio::spawn(async move { consume_until_idle(&queue, &route).await })
        })
        .collect();
    for some in hints.chunks(10) {
        queue.push(some.to_vec()).await.expect("push");
    }
    let mut seen = HashSet::new();
    for consumer in join_all(consumers).await {
        seen.extend(consumer.expect("the calls do not panic"));
    }
    assert_eq!(seen, expected);
}

/// It crashed with work in hand.
pub async fn tasks_of_a_consumer_that_is_gone_come_again<C: AsyncFn() -> Subject>(connect: C) {
    let samples = Samples::new(12);
    let route = provider_name("main");
    let survivor = connect().await;
    let pushed = hint(&samples, &route, Priority::Normal, 5);
    let expected = ids_of(std::slice::from_ref(&pushed));
    survivor.push(vec![pushed]).await.expect("push");
    let victim = connect().await;
    let leased = lease(&victim, &route, 5).await;
    assert_eq!(
        ids_in(&leased).into_iter().collect::<HashSet<_>>(),
        expected
    );
    drop(victim);
    assert_eq!(take(&survivor, &route, 5).await, expected);
}

/// It left after its work was done.
pub async fn acknowledged_tasks_do_not_come_to_another_consumer<C: AsyncFn() -> Subject>(
    connect: C,
) {
    let samples = Samples::new(13);
    let route = provider_name("main");
    let first = connect().await;
    let pushed = hint(&samples, &route, Priority::Normal, 5);
    first.push(vec![pushed]).await.expect("push");
    take(&first, &route, 5).await;
    drop(first);
    let second = connect().await;
    let again = timeout(Duration::from_millis(500), second.lease(&route, 1)).await;
    assert!(again.is_err(), "came again: {again:?}");
}

/// The API and the workers are processes of their own.
pub async fn one_consumer_pushes_and_another_leases<C: AsyncFn() -> Subject>(connect: C) {
    let samples = Samples::new(14);
    let route = provider_name("main");
    let (api, worker) = (connect().await, connect().await);
    for _ in 0..10 {
        let pushed = hint(&samples, &route, Priority::High, 3);
        let expected = ids_of(std::slice::from_ref(&pushed));
        api.push(vec![pushed]).await.expect("push");
        assert_eq!(take(&worker, &route, 3).await, expected);
    }
}

fn hint(samples: &Samples, route: &ProviderName, priority: Priority, count: usize) -> Hint {
    Hint {
        route: route.clone(),
        priority,
        ids: (0..count)
            .map(|_| MessageId::generate(samples.now(), samples))
            .collect(),
    }
}

fn single_hints(
    samples: &Samples,
    route: &ProviderName,
    priority: Priority,
    count: usize,
) -> Vec<Hint> {
    (0..count)
        .map(|_| hint(samples, route, priority, 1))
        .collect()
}

fn ids_of(hints: &[Hint]) -> HashSet<MessageId> {
    hints.iter().flat_map(|hint| hint.ids.clone()).collect()
}

fn ids_in(tasks: &[Task]) -> Vec<MessageId> {
    tasks.iter().flat_map(|task| task.ids.clone()).collect()
}

async fn lease(queue: &Subject, route: &ProviderName, most: usize) -> Vec<Task> {
    let leased = timeout(SOON, queue.lease(route, most)).await;
    leased.expect("work is there to lease").expect("lease")
}

async fn acknowledge(queue: &Subject, tasks: Vec<Task>) {
    let receipts = tasks.into_iter().map(|task| task.receipt).collect();
    queue.acknowledge(receipts).await.expect("acknowledge");
}

/// Leases and acknowledges until this many different ids have come.
async fn take(queue: &Subject, route: &ProviderName, count: usize) -> HashSet<MessageId> {
    let mut taken = HashSet::new();
    while taken.len() < count {
        let tasks = lease(queue, route, count - taken.len()).await;
        taken.extend(ids_in(&tasks));
        acknowledge(queue, tasks).await;
    }
    taken
}

async fn consume_until_idle(queue: &Subject, route: &ProviderName) -> Vec<MessageId> {
    let mut seen = Vec::new();
    while let Ok(leased) = timeout(Duration::from_secs(1), queue.lease(route, 5)).await {
        let tasks = leased.expect("lease");
        seen.extend(ids_in(&tasks));
        acknowledge(queue, tasks).await;
    }
    seen
}
