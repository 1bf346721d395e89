//! Making sure that queues exist and work.
//!
//! On a connection of its own: RabbitMQ 3.10 declares a queue that it has lost the files of as if
//! all were well. Whoever consumes from it gets no answer, and after half a minute the connection
//! is closed, with everything else on it. So each queue is consumed from here first. RabbitMQ 4.0
//! starts such a queue anew, but without a leader: nothing that is published to it is confirmed.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lapin::options::BasicConsumeOptions;
use lapin::types::FieldTable;
use lapin::{Channel, Connection};
use tokio::time::Instant;
use tracing::warn;

use crate::address::Address;
use crate::dial::{DONE, dial, within};
use crate::error::Fault;
use crate::options::Options;
use crate::topology::{Count, count, declare};

/// A queue that could not be declared is tried again after this time, then after twice the time
/// each, up to the longest: somebody has to repair it.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Declares queues, each once.
#[derive(Debug)]
pub(crate) struct Declarer {
    address: Address,
    options: Options,
    /// Queues that are known to exist.
    known: Mutex<HashSet<String>>,
    /// Queues that could not be declared, break connections, or confirm nothing.
    broken: Mutex<HashMap<String, Broken>>,
    place: tokio::sync::Mutex<Option<Place>>,
}

/// Where queues are declared.
#[derive(Debug)]
struct Place {
    connection: Connection,
    channel: Channel,
}

#[derive(Debug)]
struct Broken {
    fault: Fault,
    pause: Duration,
    until: Instant,
}

impl Declarer {
    pub(crate) async fn open(address: &Address, options: &Options) -> Result<Self, Fault> {
        let declarer = Self {
            address: address.clone(),
            options: options.clone(),
            known: Mutex::default(),
            broken: Mutex::default(),
            place: tokio::sync::Mutex::default(),
        };
        declarer.channel(&mut *declarer.place.lock().await).await?;
        Ok(declarer)
    }

    /// Makes sure that a queue exists. One that could not be declared lately is not tried, so that
    /// it holds up no other.
    pub(crate) async fn declare(&self, queue: &str, arguments: FieldTable) -> Result<(), Fault> {
        if self.is_known(queue) {
            return Ok(());
        }
        let mut place = self.place.lock().await;
        // Somebody else may have tried while we waited.
        if self.is_known(queue) {
            return Ok(());
        }
        self.check_broken(queue)?;
        let declared = self.try_to_declare(&mut place, queue, arguments);
        let declared = within(self.patience(), declared).await;
        self.note(&mut place, queue, declared)?;
        lock(&self.known).insert(queue.to_owned());
        Ok(())
    }

    /// A queue confirms nothing: it is left alone for a while, as one that cannot be declared is.
    pub(crate) fn note_silent(&self, queue: &str, fault: Fault) {
        self.forget(queue);
        self.note_broken(queue, fault);
    }

    /// These have just confirmed what they were given.
    pub(crate) fn note_working<'a>(&self, queues: impl Iterator<Item = &'a str>) {
        let mut broken = lock(&self.broken);
        if !broken.is_empty() {
            queues.for_each(|queue| drop(broken.remove(queue)));
        }
    }

    /// Those of these that failed when they were last used.
    pub(crate) fn doubted<'a>(&self, queues: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let broken = lock(&self.broken);
        if broken.is_empty() {
            return BTreeSet::new();
        }
        queues.filter(|queue| broken.contains_key(*queue)).collect()
    }

    /// Consumes from an empty queue for a moment, to see whether that closes the connection. What
    /// is delivered meanwhile comes again, to whoever consumes then.
    pub(crate) async fn probe(&self, queue: &str) -> Result<(), Fault> {
        let mut place = self.place.lock().await;
        self.check_broken(queue)?;
        let probed = within(self.patience(), self.try_to_consume(&mut place, queue)).await;
        self.note(&mut place, queue, probed)?;
        lock(&self.broken).remove(queue);
        Ok(())
    }

    fn note(
        &self,
        place: &mut Option<Place>,
        queue: &str,
        tried: Result<(), Fault>,
    ) -> Result<(), Fault> {
        tried.map_err(|fault| {
            // It may be waiting for an answer about this queue.
            if let Some(place) = place.take() {
                self.abandon(place.connection);
            }
            self.note_broken(queue, fault)
        })
    }

    /// Ends a connection that may be in the middle of something. To drop it is not enough: the
    /// client library keeps it for the sake of the answer, and a queue that gives it late would
    /// deliver to a consumer that nobody hears.
    fn abandon(&self, connection: Connection) {
        let limit = self.options.timeout;
        tokio::spawn(async move {
            let closing = async { Ok(connection.close(DONE, "given up".into()).await?) };
            // Then the broker ends it by itself.
            let _ = within(limit, closing).await;
        });
    }

    async fn try_to_consume(&self, place: &mut Option<Place>, queue: &str) -> Result<(), Fault> {
        let channel = self.connection(place).await?.create_channel().await?;
        if count(&channel, queue).await?.waiting > 0 {
            // Only a queue that works can tell of hints, and each that is delivered here, to come
            // again at once, would be a step nearer to its delivery limit.
            return Ok(channel.close(DONE, "done".into()).await?);
        }
        channel.basic_qos(1, Default::default()).await?;
        let options = BasicConsumeOptions::default();
        let consuming =
            channel.basic_consume(queue.into(), "".into(), options, FieldTable::default());
        consuming.await?;
        Ok(channel.close(DONE, "done".into()).await?)
    }

    async fn try_to_declare(
        &self,
        place: &mut Option<Place>,
        queue: &str,
        arguments: FieldTable,
    ) -> Result<(), Fault> {
        let channel = self.channel(place).await?;
        let declared = declare(&channel, queue, arguments).await;
        match declared.map_err(Fault::from) {
            Err(fault) if fault.is_other_arguments() => {}
            declared => return declared,
        }
        // A queue that was declared with other options serves as well.
        let channel = self.channel(place).await?;
        count(&channel, queue).await?;
        warn!(
            queue,
            "the queue exists with other arguments and is used as it is; \
             delete it to have it declared anew"
        );
        Ok(())
    }

    fn is_known(&self, queue: &str) -> bool {
        lock(&self.known).contains(queue)
    }

    /// What the broker says of a queue.
    pub(crate) async fn count(&self, queue: &str) -> Result<Count, Fault> {
        let mut place = self.place.lock().await;
        let channel = self.channel(&mut place).await?;
        Ok(count(&channel, queue).await?)
    }

    /// The queue may be gone: it is declared again when it is used next.
    pub(crate) fn forget(&self, queue: &str) {
        lock(&self.known).remove(queue);
    }

    /// Says good-bye to the broker.
    pub(crate) async fn close(&self, limit: Duration) {
        if let Some(place) = self.place.lock().await.take() {
            let closing = async { Ok(place.connection.close(DONE, "done".into()).await?) };
            let _ = within(limit, closing).await;
        }
    }

    /// Less than what a call may take: what it has for other queues must have time, too.
    fn patience(&self) -> Duration {
        self.options.timeout.mul_f64(0.75)
    }

    /// A channel for what breaks no connection, such as looking at dead letters in a queue that
    /// works.
    pub(crate) async fn another_channel(&self) -> Result<Channel, Fault> {
        let mut place = self.place.lock().await;
        Ok(self.connection(&mut place).await?.create_channel().await?)
    }

    async fn connection<'a>(&self, place: &'a mut Option<Place>) -> Result<&'a Connection, Fault> {
        self.channel(place).await?;
        match place {
            Some(place) => Ok(&place.connection),
            None => Err(Fault::NotConnected),
        }
    }

    async fn channel(&self, place: &mut Option<Place>) -> Result<Channel, Fault> {
        let there = place
            .take()
            .filter(|there| there.connection.status().connected());
        let (connection, channel) = match there {
            Some(there) => (there.connection, Some(there.channel)),
            None => (dial(&self.address, &self.options, "declaring").await?, None),
        };
        let channel = match channel.filter(|channel| channel.status().connected()) {
            Some(channel) => channel,
            None => connection.create_channel().await?,
        };
        *place = Some(Place {
            connection,
            channel: channel.clone(),
        });
        Ok(channel)
    }

    fn check_broken(&self, queue: &str) -> Result<(), Fault> {
        let broken = lock(&self.broken);
        match broken.get(queue) {
            Some(broken) if broken.until > Instant::now() => Err(broken.fault.clone()),
            _ => Ok(()),
        }
    }

    fn note_broken(&self, queue: &str, fault: Fault) -> Fault {
        let fault = Fault::Unusable {
            queue: queue.to_owned(),
            fault: Box::new(fault),
        };
        let mut all = lock(&self.broken);
        let pause = match all.get(queue) {
            Some(known) => (known.pause * 2).min(LONGEST_PAUSE),
            None => FIRST_PAUSE,
        };
        warn!(%fault, ?pause, "its hints wait, and no others; it is tried again");
        let broken = Broken {
            fault: fault.clone(),
            pause,
            until: Instant::now() + pause,
        };
        all.insert(queue.to_owned(), broken);
        fault
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is guarded here is whole between any two statements.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
