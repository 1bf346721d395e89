//! Handing hints to the broker.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
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
/// What part of the time of a call a queue has that failed lately: whoever pushes waits for it again
/// and again.
const DOUBTED: u32 = 4;

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
            let published = self.publish_over(&link, &letters, deadline);
            let published = timeout_at(deadline, published).await;
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

    async fn publish_over(
        &self,
        link: &Link,
        letters: &[Letter],
        deadline: Instant,
    ) -> Result<(), Fault> {
        if let Some(reason) = link.blocked() {
            return Err(Fault::Blocked(reason));
        }
        tokio::select! {
            result = self.publish_all(link, letters, deadline) => result,
            fault = link.until_blocked() => Err(fault),
        }
    }

    async fn publish_all(
        &self,
        link: &Link,
        letters: &[Letter],
        deadline: Instant,
    ) -> Result<(), Fault> {
        let _permit = link.publishers.acquire().await;
        let mut gone = BTreeSet::new();
        let mut letters: Vec<&Letter> = letters.iter().collect();
        let mut undeclared = None;
        for _ in 0..ROUNDS {
            undeclared = self.declare_queues(link, &mut letters).await.or(undeclared);
            let result = self.publish_once(link, &letters, deadline).await?;
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

    /// Publishes each of these once. A queue that does not answer may hold up whatever else is on
    /// the channel: one that failed lately gets a channel of its own, and less time.
    async fn publish_once(
        &self,
        link: &Link,
        letters: &[&Letter],
        deadline: Instant,
    ) -> Result<Round, Fault> {
        let doubted = link
            .declarer
            .doubted(letters.iter().map(|letter| &*letter.queue));
        let mut groups: BTreeMap<Option<&str>, Vec<&Letter>> = BTreeMap::new();
        for letter in letters {
            let doubted = doubted.get(&*letter.queue).copied();
            groups.entry(doubted).or_default().push(letter);
        }
        let rounds = groups.into_iter().map(|(doubted, letters)| {
            let patience = match doubted {
                Some(_) => self.options.timeout / DOUBTED,
                None => self.options.timeout,
            };
            publish_round(link, letters, patience, deadline)
        });
        let mut together = Round::default();
        for round in join_all(rounds).await {
            let round = round?;
            together.refused += round.refused;
            together.returned.extend(round.returned);
        }
        Ok(together)
    }
}

/// Which queues were given letters, and whether they confirmed any.
#[derive(Debug, Default)]
struct Answers<'a>(Mutex<BTreeMap<&'a str, bool>>);

impl<'a> Answers<'a> {
    fn note(&self, queue: &'a str, confirmed: bool) {
        // What is guarded here is whole between any two statements.
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *queues.entry(queue).or_default() |= confirmed;
    }

    fn silent(self) -> Vec<&'a str> {
        let queues = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let silent = queues.into_iter().filter(|(_, confirmed)| !confirmed);
        silent.map(|(queue, _)| queue).collect()
    }
}

/// What became of some letters.
#[derive(Default)]
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

/// Publishes each of these once, over one channel. A queue that confirms none of its letters in
/// time is kept apart from then on.
async fn publish_round(
    link: &Link,
    letters: Vec<&Letter>,
    patience: Duration,
    deadline: Instant,
) -> Result<Round, Fault> {
    let channel = link.publisher_channel().await?;
    let answers = Answers::default();
    let until = deadline.min(Instant::now() + patience);
    let round = publish_each(&channel, &letters, &answers);
    let Ok(round) = timeout_at(until, round).await else {
        link.suspect();
        let fault = Fault::TimedOut(patience);
        for queue in answers.silent() {
            link.declarer.note_silent(queue, fault.clone());
        }
        return Err(fault);
    };
    let round = round?;
    // Every confirm of this channel has come, and with it every return.
    link.give_back(channel);
    let queues = letters.iter().map(|letter| &*letter.queue);
    link.declarer.note_working(queues);
    Ok(round)
}

async fn publish_each<'a>(
    channel: &Channel,
    letters: &[&'a Letter],
    answers: &Answers<'a>,
) -> Result<Round, Fault> {
    let publishing: Vec<_> = letters
        .iter()
        .map(|letter| publish_one(channel, letter, answers))
        .collect();
    let mut confirms = stream::iter(publishing).buffered(WINDOW);
    let mut round = Round::default();
    while let Some(confirm) = confirms.next().await {
        let confirm = confirm?;
        if !confirm.is_ack() {
            round.refused += 1;
        }
        round.returned.extend(confirm.take_message());
    }
    Ok(round)
}

async fn publish_one<'a>(
    channel: &Channel,
    letter: &'a Letter,
    answers: &Answers<'a>,
) -> Result<Confirmation, Fault> {
    let options = BasicPublishOptions {
        mandatory: true,
        ..BasicPublishOptions::default()
    };
    let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
    // The default exchange leads to the queue that the routing key names.
    let (exchange, queue) = ("".into(), letter.queue.as_str().into());
    let publishing = channel.basic_publish(exchange, queue, options, &letter.body, properties);
    let confirm = publishing.await?;
    answers.note(&letter.queue, false);
    let confirm = confirm.await?;
    answers.note(&letter.queue, true);
    Ok(confirm)
}
