//! Hints that went nowhere.

use futures_util::future::try_join_all;
use lapin::message::BasicGetMessage;
use lapin::options::{BasicAckOptions, BasicGetOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel};
use sms_core::{MessageId, Priority, ProviderName, QueueError, Timestamp};

use crate::body::decode;
use crate::dial::{DONE, within};
use crate::error::Fault;
use crate::publish::Letter;
use crate::queue::AmqpQueue;
use crate::topology::count;

/// How many dead letters are replayed in one go. Of a channel that closes, RabbitMQ may forget
/// the acknowledgements beyond 32 that its quorum queues have not worked off yet.
const BATCH: usize = 30;

/// A hint that the broker gave up on. Its messages are not lost: their deadlines in the store
/// bring them back. But why it was delivered so often without anyone acknowledging it, or could
/// not be read, may be worth a look.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The route and priority it was for; absent if it did not come from one of our queues.
    pub lane: Option<(ProviderName, Priority)>,
    /// The messages it names; none if it cannot be read.
    pub ids: Vec<MessageId>,
    /// Why it is here.
    pub reason: DeathReason,
    /// When it came here, to the second.
    pub died_at: Option<Timestamp>,
}

/// Why a hint is among the dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeathReason {
    /// It was delivered again and again, and never acknowledged.
    DeliveryLimit,
    /// It could not be read: something else, or another release, wrote it.
    Unreadable,
    /// Some other rule of the broker, such as a policy that limits time or length.
    Policy,
}

/// What came of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Replayed {
    /// Hints that are back in the queue of their route and priority.
    pub hints: usize,
    /// How many messages these name.
    pub messages: usize,
    /// Hints that stay among the dead letters, because they cannot be read or it is not known
    /// where they came from.
    pub left: usize,
}

impl AmqpQueue {
    /// The dead letters, the oldest first, `most` of them at most. They stay where they are; for
    /// the time of the call no other call sees them.
    ///
    /// # Errors
    /// The broker cannot be reached or does not answer in time.
    pub async fn dead_letters(&self, most: usize) -> Result<Vec<DeadLetter>, QueueError> {
        let listed = self.list(most).await;
        listed.map_err(|fault| fault.while_doing("list dead letters"))
    }

    /// Puts the dead letters back into the queues that they came from.
    ///
    /// # Errors
    /// The broker cannot be reached or does not answer in time. Some may have been put back, and
    /// some of these may be among the dead letters still: a hint that comes twice does no harm.
    pub async fn replay_dead_letters(&self) -> Result<Replayed, QueueError> {
        let replayed = self.replay().await;
        replayed.map_err(|fault| fault.while_doing("replay dead letters"))
    }

    async fn list(&self, most: usize) -> Result<Vec<DeadLetter>, Fault> {
        let channel = self.dead_channel().await?;
        let mut listed = Vec::new();
        while listed.len() < most
            && let Some(letter) = self.take_dead(&channel).await?
        {
            listed.push(self.read(&letter));
        }
        // None was acknowledged: they all go back when the channel closes.
        self.done_with(channel).await?;
        Ok(listed)
    }

    async fn replay(&self) -> Result<Replayed, Fault> {
        let channel = self.dead_channel().await?;
        let queue = self.shared.names.dead();
        let counting = async { Ok(count(&channel, &queue).await?.waiting) };
        // What dies while the call runs waits for the next one, or it might never end.
        let mut rest = within(self.shared.options.timeout, counting).await? as usize;
        let mut replayed = Replayed::default();
        while rest > 0 {
            let batch = self.take_batch(&channel, rest.min(BATCH)).await?;
            if batch.is_empty() {
                break;
            }
            rest -= batch.len();
            self.replay_batch(batch, &mut replayed).await?;
        }
        self.done_with(channel).await?;
        Ok(replayed)
    }

    async fn take_batch(
        &self,
        channel: &Channel,
        most: usize,
    ) -> Result<Vec<BasicGetMessage>, Fault> {
        let mut batch = Vec::new();
        while batch.len() < most
            && let Some(letter) = self.take_dead(channel).await?
        {
            batch.push(letter);
        }
        Ok(batch)
    }

    /// Publishes first and acknowledges after, so that none is lost in between.
    async fn replay_batch(
        &self,
        batch: Vec<BasicGetMessage>,
        replayed: &mut Replayed,
    ) -> Result<(), Fault> {
        let mut letters = Vec::new();
        let mut ackers = Vec::new();
        for letter in batch {
            let read = self.read(&letter);
            match read.lane {
                Some((route, priority)) if !read.ids.is_empty() => {
                    replayed.hints += 1;
                    replayed.messages += read.ids.len();
                    letters.push(Letter {
                        queue: self.shared.names.work(&route, priority),
                        body: letter.delivery.data,
                    });
                    ackers.push(letter.delivery.acker);
                }
                _ => replayed.left += 1,
            }
        }
        if letters.is_empty() {
            return Ok(());
        }
        self.shared.publish(letters).await?;
        let acks = ackers
            .iter()
            .map(|acker| acker.ack(BasicAckOptions::default()));
        let acks = async { Ok(try_join_all(acks).await?) };
        within(self.shared.options.timeout, acks).await.map(drop)
    }

    async fn dead_channel(&self) -> Result<Channel, Fault> {
        let link = self.shared.link().map_err(|_| Fault::NotConnected)?;
        link.declare_dead(&self.shared.names).await?;
        within(self.shared.options.timeout, link.declarer.another_channel()).await
    }

    async fn take_dead(&self, channel: &Channel) -> Result<Option<BasicGetMessage>, Fault> {
        let queue = self.shared.names.dead();
        let getting = channel.basic_get(queue.as_str().into(), BasicGetOptions::default());
        within(self.shared.options.timeout, async { Ok(getting.await?) }).await
    }

    async fn done_with(&self, channel: Channel) -> Result<(), Fault> {
        let closing = async { Ok(channel.close(DONE, "done".into()).await?) };
        within(self.shared.options.timeout, closing).await
    }

    fn read(&self, letter: &BasicGetMessage) -> DeadLetter {
        let death = latest_death(&letter.properties);
        let text = |key| death.and_then(|death| text_of(death, key));
        let origin = text("queue").and_then(|queue| self.shared.names.parse_work(&queue));
        DeadLetter {
            lane: origin,
            ids: decode(&letter.data).unwrap_or_default(),
            reason: match text("reason").as_deref() {
                Some("delivery_limit") => DeathReason::DeliveryLimit,
                Some("rejected") => DeathReason::Unreadable,
                _ => DeathReason::Policy,
            },
            died_at: death.and_then(time_of),
        }
    }
}

/// The broker's note on why and from where the letter came: the first entry of `x-death` is the
/// latest.
fn latest_death(properties: &BasicProperties) -> Option<&FieldTable> {
    let deaths = properties.headers().as_ref()?.inner().get("x-death")?;
    match deaths.as_array()?.as_slice().first()? {
        AMQPValue::FieldTable(death) => Some(death),
        _ => None,
    }
}

fn text_of(death: &FieldTable, key: &str) -> Option<String> {
    match death.inner().get(key)? {
        AMQPValue::LongString(text) => Some(text.to_string()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}

fn time_of(death: &FieldTable) -> Option<Timestamp> {
    match death.inner().get("time")? {
        AMQPValue::Timestamp(seconds) => {
            let seconds = i64::try_from(*seconds).ok()?;
            Some(Timestamp::from_millis(seconds.checked_mul(1_000)?))
        }
        _ => None,
    }
}
