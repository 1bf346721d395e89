//! One connection to the broker: three, in fact.
//!
//! A broker that is short of memory or disk stops reading from connections that publish, and the
//! client library then writes nothing to them, not even acknowledgements. So publishing has a
//! connection of its own; and so has declaring queues (see [`crate::declare`]).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lapin::{Channel, Connection};
use tokio::sync::{Notify, Semaphore, watch};

use crate::address::Address;
use crate::declare::Declarer;
use crate::dial::{DONE, dial, within};
use crate::error::Fault;
use crate::names::Names;
use crate::options::Options;
use crate::topology::{dead_arguments, work_arguments};

/// How many calls publish at the same time.
const PUBLISHERS: usize = 4;

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) generation: u64,
    pub(crate) publishing: Connection,
    pub(crate) consuming: Connection,
    /// Publishing channels that nobody uses right now; all their confirms have come.
    idle: Mutex<Vec<Channel>>,
    pub(crate) publishers: Semaphore,
    pub(crate) declarer: Declarer,
    /// Why the broker takes no messages, while it does not.
    pub(crate) blocked: watch::Sender<Option<String>>,
    pub(crate) suspicion: Notify,
}

impl Link {
    pub(crate) async fn open(
        generation: u64,
        address: &Address,
        options: &Options,
    ) -> Result<Self, Fault> {
        let publishing = dial(address, options, "publishing").await?;
        let consuming = dial(address, options, "consuming").await?;
        let declarer = Declarer::open(address, options).await?;
        let link = Self {
            generation,
            publishing,
            consuming,
            idle: Mutex::default(),
            publishers: Semaphore::new(PUBLISHERS),
            declarer,
            blocked: watch::Sender::default(),
            suspicion: Notify::new(),
        };
        // Hints flow without it; then those that nobody acknowledges are dropped in the end, and
        // the deadlines of their messages bring them back. Why it fails has been told.
        let _ = link.declare_dead(&Names::new(&options.prefix)).await;
        Ok(link)
    }

    /// Says good-bye to the broker.
    pub(crate) async fn close(&self, limit: Duration) {
        for connection in [&self.consuming, &self.publishing] {
            let closing = async { Ok(connection.close(DONE, "done".into()).await?) };
            // Whoever does not answer finds out by itself that we have gone.
            let _ = within(limit, closing).await;
        }
        self.declarer.close(limit).await;
    }

    pub(crate) fn is_up(&self) -> bool {
        self.publishing.status().connected() && self.consuming.status().connected()
    }

    /// Why the broker takes no messages, if it does not.
    pub(crate) fn blocked(&self) -> Option<String> {
        self.blocked.borrow().clone()
    }

    pub(crate) async fn until_blocked(&self) -> Fault {
        let mut blocked = self.blocked.subscribe();
        match blocked.wait_for(Option::is_some).await {
            Ok(reason) => Fault::Blocked(reason.clone().unwrap_or_default()),
            Err(_) => Fault::NotConnected,
        }
    }

    /// Something took too long: the connection is looked at now instead of in its turn.
    pub(crate) fn suspect(&self) {
        self.suspicion.notify_one();
    }

    /// A channel for consuming.
    pub(crate) async fn consumer_channel(&self) -> Result<Channel, Fault> {
        Ok(self.consuming.create_channel().await?)
    }

    /// A channel for publishing. Whoever drops it instead of giving it back closes it, and what
    /// was outstanding on it bothers nobody.
    pub(crate) async fn publisher_channel(&self) -> Result<Channel, Fault> {
        let idle = lock(&self.idle).pop();
        match idle.filter(|channel| channel.status().connected()) {
            Some(channel) => Ok(channel),
            None => {
                let channel = self.publishing.create_channel().await?;
                channel.confirm_select(Default::default()).await?;
                Ok(channel)
            }
        }
    }

    pub(crate) fn give_back(&self, channel: Channel) {
        lock(&self.idle).push(channel);
    }

    /// Makes sure that the queue of a route and priority exists.
    pub(crate) async fn declare_work(
        &self,
        queue: &str,
        names: &Names,
        options: &Options,
    ) -> Result<(), Fault> {
        let arguments = work_arguments(names, options);
        self.declarer.declare(queue, arguments).await
    }

    /// Makes sure that the queue of the dead letters exists.
    pub(crate) async fn declare_dead(&self, names: &Names) -> Result<(), Fault> {
        let arguments = dead_arguments();
        self.declarer.declare(&names.dead(), arguments).await
    }

    /// The queue may be gone: it is declared again when it is used next.
    pub(crate) fn forget(&self, queue: &str) {
        self.declarer.forget(queue);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is guarded here is whole between any two statements.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
