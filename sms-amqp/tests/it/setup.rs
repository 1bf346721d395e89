//! Queues, hints and patience for tests.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use lapin::{Channel, Connection, ConnectionProperties};
use sms_amqp::{AmqpQueue, Health, Options};
use sms_core::{Hint, MessageId, Priority, ProviderName, Queue, SystemEntropy, Task, Timestamp};
use tokio::time::{sleep, timeout};

/// What must happen happens within this time, on a busy machine as well.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// Options with names that no other test has.
pub(crate) fn options() -> Options {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let mut options = Options::default();
    options.prefix = format!("test-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    options
}

/// Options of a queue that loses its patience quickly.
pub(crate) fn impatient() -> Options {
    let mut options = options();
    options.timeout = Duration::from_secs(2);
    options.stall_after = Duration::from_secs(3);
    options
}

pub(crate) async fn connect(url: &str, options: &Options) -> AmqpQueue {
    AmqpQueue::connect(url, options.clone()).await.unwrap()
}

pub(crate) fn main() -> ProviderName {
    "main".parse().unwrap()
}

pub(crate) fn ids(count: usize) -> Vec<MessageId> {
    let id = |_| MessageId::generate(Timestamp::from_millis(1), &SystemEntropy);
    (0..count).map(id).collect()
}

pub(crate) fn hint(priority: Priority, count: usize) -> Hint {
    Hint {
        route: main(),
        priority,
        ids: ids(count),
    }
}

pub(crate) async fn lease(queue: &AmqpQueue, most: usize) -> Vec<Task> {
    let leased = timeout(SOON, queue.lease(&main(), most)).await;
    leased.expect("work is there to lease").unwrap()
}

pub(crate) async fn acknowledge(queue: &AmqpQueue, tasks: Vec<Task>) {
    let receipts = tasks.into_iter().map(|task| task.receipt).collect();
    queue.acknowledge(receipts).await.unwrap();
}

/// Leases and acknowledges until all of these have come.
pub(crate) async fn take_all(queue: &AmqpQueue, mut missing: HashSet<MessageId>) {
    while !missing.is_empty() {
        let tasks = lease(queue, missing.len()).await;
        for task in &tasks {
            for id in &task.ids {
                missing.remove(id);
            }
        }
        acknowledge(queue, tasks).await;
    }
}

/// Pushes until the queue takes it.
pub(crate) async fn push_until_taken(queue: &AmqpQueue, hint: &Hint) {
    let deadline = Instant::now() + SOON;
    while let Err(error) = queue.push(vec![hint.clone()]).await {
        assert!(Instant::now() < deadline, "still: {error:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until the queue is as wanted.
pub(crate) async fn until(queue: &AmqpQueue, wanted: impl Fn(&Health) -> bool) {
    let deadline = Instant::now() + SOON;
    while !wanted(&queue.health()) {
        assert!(Instant::now() < deadline, "still {:?}", queue.health());
        sleep(Duration::from_millis(20)).await;
    }
}

/// A channel behind the queue's back.
pub(crate) async fn side_channel(url: &str) -> (Connection, Channel) {
    let properties = ConnectionProperties::default();
    let connection = Connection::connect(url, properties).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    (connection, channel)
}
