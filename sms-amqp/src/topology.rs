//! The queues that must exist, and their arguments.

use lapin::Channel;
use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable, LongString};

use crate::names::Names;
use crate::options::Options;

/// The most dead letters that are kept; older ones go first. They only tell what happened: the
/// deadlines in the store bring the messages back.
const MOST_DEAD_LETTERS: i64 = 100_000;
/// Dead letters that are looked at go back to their queue, which counts as a delivery. Brokers
/// before 4.0 know no other way to say "without limit".
const NO_LIMIT: i64 = 1_000_000_000;

/// Arguments of the queue of a route and priority.
pub(crate) fn work_arguments(names: &Names, options: &Options) -> FieldTable {
    let mut arguments = quorum(options.delivery_limit.get().into());
    // The default exchange leads to the queue that the routing key names.
    arguments.insert("x-dead-letter-exchange".into(), text(""));
    arguments.insert("x-dead-letter-routing-key".into(), text(&names.dead()));
    arguments
}

/// Arguments of the queue of the dead letters.
pub(crate) fn dead_arguments() -> FieldTable {
    let mut arguments = quorum(NO_LIMIT);
    arguments.insert("x-max-length".into(), number(MOST_DEAD_LETTERS));
    arguments.insert("x-overflow".into(), text("drop-head"));
    arguments
}

fn quorum(delivery_limit: i64) -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments.insert("x-delivery-limit".into(), number(delivery_limit));
    arguments
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value))
}

fn number(value: i64) -> AMQPValue {
    AMQPValue::LongLongInt(value)
}

/// Makes sure that a queue exists.
pub(crate) async fn declare(
    channel: &Channel,
    queue: &str,
    arguments: FieldTable,
) -> Result<(), lapin::Error> {
    let options = QueueDeclareOptions::durable();
    channel
        .queue_declare(queue.into(), options, arguments)
        .await?;
    Ok(())
}

/// What the broker says of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    /// Hints that wait.
    pub(crate) waiting: u32,
    /// Consumers that it knows, over all connections.
    pub(crate) consumers: u32,
}

/// How many hints wait in a queue, which must exist, and for how many consumers.
pub(crate) async fn count(channel: &Channel, queue: &str) -> Result<Count, lapin::Error> {
    let options = QueueDeclareOptions::default().passive();
    let queue = channel.queue_declare(queue.into(), options, FieldTable::default());
    let queue = queue.await?;
    Ok(Count {
        waiting: queue.message_count(),
        consumers: queue.consumer_count(),
    })
}
