//! Handing hints to the broker.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use lapin::message::BasicReturnMessage;
use lapin::options::BasicPublishOptions;
use lapin::{BasicProperties, Channel, Confirmation};
use tokio::time::{Instant, timeout_at};

use crate::error::Fault;
use crate::link::Link;
use crate::shared::Shared;

/// How many hints of one call are on their way at the same time. More gain nothing (RabbitMQ's
/// benchmarks of 2020), and the client library searches all of them on every confirm.
const WINDOW: usize = 500;
/// Delivery mode 2 of AMQP 0-9-1: kept on disk.
const PERSISTENT: u8 = 2;
/// How often hints whose queue was deleted are published again.
const ROUNDS: usize = 3;
/// A push waits so long for a connection that was lost: a broker that restarts quickly costs no
/// hints. When it has been away for longer, pushes fail at once.
const BRIDGED: Duration = Duration::from_secs(2);

/// A hint, ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) queue: String,
    pub(crate) body: Vec<u8>,
}

impl Shared {
    /// Publishes, over further connections if need be, until everything is confirmed or the time
    /// is over. What is published twice does no harm.
    pub(crate) async fn publish(&self, letters: Vec<Letter>) -> Result<(), Fault> {
        let deadline = Instant::now() + self.options.timeout;
        let mut failed = None;
        loop {
            let link = self.usable_link(failed, deadline).await?;
            let published = timeout_at(deadline, self.publish_over(&link, &letters)).await;
            match published {
                // The connection broke under it; the next one may do.
                Ok(Err(Fault::Broker(_) | Fault::Unusable { .. })) if !link.is_up() => {
                    link.suspect();
                    failed = Some(link.generation);
                }
                Ok(result) => return result,
                Err(_) => {
                    link.suspect();
                    return Err(Fault::TimedOut(self.options.timeout));
                }
            }
        }
    }

    /// A connection other than the one that failed.
    async fn usable_link(
        &self,
        failed: Option<u64>,
        deadline: Instant,
    ) -> Result<Arc<Link>, Fault> {
        let failed = failed.unwrap_or(0);
        let until = match self.link() {
            Ok(link) if link.generation > failed => return Ok(link),
            Ok(_) => deadline.min(Instant::now() + BRIDGED),
            Err(since) => deadline.min(since + BRIDGED),
        };
        timeout_at(until, self.link_after(failed))
            .await
            .map_err(|_| Fault::NotConnected)
    }

    async fn publish_over(&self, link: &Link, letters: &[Letter]) -> Result<(), Fault> {
        if let Some(reason) = link.blocked() {
            return Err(Fault::Blocked(reason));
        }
        tokio::select! {
            result = self.publish_all(link, letters) => result,
            fault = link.until_blocked() => Err(fault),
        }
    }

    async fn publish_all(&self, link: &Link, letters: &[Letter]) -> Result<(), Fault> {
        let _permit = link.publishers.acquire().await;
        let mut gone = BTreeSet::new();
        let mut letters: Vec<&Letter> = letters.iter().collect();
        let mut undeclared = None;
        for _ in 0..ROUNDS {
            undeclared = self.declare_queues(link, &mut letters).await.or(undeclared);
            let channel = link.publisher_channel().await?;
            let result = publish_round(&channel, &letters).await?;
            // Every confirm of this channel has come, and with it every return.
            link.give_back(channel);
            if result.refused > 0 {
                return Err(Fault::Refused(result.refused));
            }
            self.counters.returned.add(result.returned.len());
            gone = result.queues();
            letters.retain(|letter| gone.contains(letter.queue.as_str()));
            for queue in &gone {
                link.forget(queue);
            }
            if letters.is_empty() {
                return undeclared.map_or(Ok(()), Err);
            }
        }
        Err(Fault::Unroutable(gone.pop_first().unwrap_or_default()))
    }

    /// Leaves out the letters whose queue cannot be declared, and says why: the others need not
    /// wait for it.
    async fn declare_queues(&self, link: &Link, letters: &mut Vec<&Letter>) -> Option<Fault> {
        let queues: BTreeSet<&str> = letters.iter().map(|letter| letter.queue.as_str()).collect();
        let mut fault = None;
        for queue in queues {
            let declared = link.declare_work(queue, &self.names, &self.options);
            if let Err(undeclared) = declared.await {
                letters.retain(|letter| letter.queue != queue);
                fault = Some(undeclared);
            }
        }
        fault
    }
}

/// What became of some letters.
struct Round {
    refused: usize,
    /// The client library attaches a returned letter to whichever confirm comes next, so it is
    /// told by its own routing key; and it is one of this round, because nobody else used the
    /// channel.
    returned: Vec<BasicReturnMessage>,
}

impl Round {
    fn queues(&self) -> BTreeSet<String> {
        let queue = |letter: &BasicReturnMessage| letter.routing_key.as_str().to_owned();
        self.returned.iter().map(queue).collect()
    }
}

async fn publish_round(channel: &Channel, letters: &[&Letter]) -> Result<Round, Fault> {
    let publishing: Vec<_> = letters
        .iter()
        .map(|letter| publish_one(channel, letter))
        .collect();
    let mut confirms = stream::iter(publishing).buffered(WINDOW);
    let mut round = Round {
        refused: 0,
        returned: Vec::new(),
    };
    while let Some(confirm) = confirms.next().await {
        let confirm = confirm?;
        if !confirm.is_ack() {
            round.refused += 1;
        }
        round.returned.extend(confirm.take_message());
    }
    Ok(round)
}

async fn publish_one(channel: &Channel, letter: &Letter) -> Result<Confirmation, Fault> {
    let options = BasicPublishOptions {
        mandatory: true,
        ..BasicPublishOptions::default()
    };
    let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
    // The default exchange leads to the queue that the routing key names.
    let (exchange, queue) = ("".into(), letter.queue.as_str().into());
    let publishing = channel.basic_publish(exchange, queue, options, &letter.body, properties);
    Ok(publishing.await?.await?)
}
