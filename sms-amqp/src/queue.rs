//! The queue.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use sms_core::{Hint, Priority, ProviderName, Queue, QueueError, Receipt, Task};
use tokio::task::JoinSet;

use crate::address::{Address, take_options};
use crate::body::encode;
use crate::dial::within;
use crate::error::ConnectError;
use crate::health::Health;
use crate::lane::Lane;
use crate::link::Link;
use crate::options::Options;
use crate::publish::Letter;
use crate::shared::Shared;
use crate::subscription::keep_subscribed;
use crate::supervisor::supervise;

/// The queue on RabbitMQ. Dropping it closes its connections; hints that were leased and not
/// acknowledged then go to other workers.
pub struct AmqpQueue {
    pub(crate) shared: Arc<Shared>,
    address: Address,
    lanes: Mutex<HashMap<ProviderName, Arc<Lane>>>,
    /// Dropped with the queue, and the tasks with it.
    tasks: Mutex<JoinSet<()>>,
}

impl AmqpQueue {
    /// Opens the queue on the broker at `address`, such as
    /// `amqp://user:password@broker:5672/vhost?heartbeat=10` (`amqps:` for TLS).
    ///
    /// A broker that cannot be reached is no error: that is logged, [`health`](Self::health)
    /// tells it, pushes fail, and everything flows when the broker is there. From then on the
    /// connection is kept by itself.
    ///
    /// What the address says of `options` counts more than what is given with it.
    ///
    /// Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// The address or an option cannot work, or the broker does not let us in.
    pub async fn connect(address: &str, options: Options) -> Result<Self, ConnectError> {
        let (address, options) = read(address, options)?;
        let shared = Arc::new(Shared::new(options));
        let patience = shared.options.timeout;
        let first = within(patience, Link::open(1, &address, &shared.options)).await;
        if let Err(fault) = &first
            && fault.is_refusal()
        {
            return Err(ConnectError::Refused {
                address: address.to_string(),
                source: Box::new(fault.clone()),
            });
        }
        let first = shared.note(first);
        let mut tasks = JoinSet::new();
        tasks.spawn(supervise(Arc::clone(&shared), address.clone(), first));
        Ok(Self {
            shared,
            address,
            lanes: Mutex::default(),
            tasks: Mutex::new(tasks),
        })
    }

    /// Checks an address and options as [`connect`](Self::connect) does, without connecting.
    ///
    /// # Errors
    /// The address or an option cannot work.
    pub fn check(address: &str, options: Options) -> Result<(), ConnectError> {
        read(address, options).map(drop)
    }

    /// Ends the connections in order, so that the broker does not log them as broken off. Leased
    /// hints that were not acknowledged go to other workers. To be called when nothing uses the
    /// queue any more: it does not come back.
    pub async fn close(&self) {
        let mut tasks = std::mem::take(&mut *lock(&self.tasks));
        tasks.shutdown().await;
        if let Ok(link) = self.shared.link() {
            link.close(self.shared.options.timeout).await;
        }
    }

    /// How the queue is; asks nobody.
    #[must_use]
    pub fn health(&self) -> Health {
        self.shared.health()
    }

    /// The lane of a route, subscribed to.
    fn lane(&self, route: &ProviderName) -> Arc<Lane> {
        let mut lanes = lock(&self.lanes);
        let lane = lanes.entry(route.clone()).or_insert_with(|| {
            let lane = Arc::new(Lane::new(route.clone()));
            self.subscribe(&lane);
            lane
        });
        Arc::clone(lane)
    }

    fn subscribe(&self, lane: &Arc<Lane>) {
        let mut tasks = lock(&self.tasks);
        for priority in Priority::ALL {
            tasks.spawn(keep_subscribed(
                Arc::clone(&self.shared),
                Arc::clone(lane),
                priority,
            ));
        }
        let lane = Arc::clone(lane);
        tasks.spawn(async move { lane.open().await });
    }
}

fn read(address: &str, mut options: Options) -> Result<(Address, Options), ConnectError> {
    let rest = take_options(address, &mut options)?;
    options.check()?;
    Ok((Address::parse(&rest)?, options))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is guarded here is whole between any two statements.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Queue for AmqpQueue {
    async fn push(&self, hints: Vec<Hint>) -> Result<(), QueueError> {
        let letters: Vec<Letter> = hints
            .iter()
            .filter(|hint| !hint.ids.is_empty())
            .map(|hint| Letter {
                queue: self.shared.names.work(&hint.route, hint.priority),
                body: encode(&hint.ids),
            })
            .collect();
        if letters.is_empty() {
            return Ok(());
        }
        let published = self.shared.publish(letters).await;
        published.map_err(|fault| fault.while_doing("take hints"))
    }

    /// Waits while there is no connection: that is the business of the supervisor, who says so.
    async fn lease(&self, route: &ProviderName, most: usize) -> Result<Vec<Task>, QueueError> {
        Ok(self.lane(route).lease(most).await)
    }

    async fn acknowledge(&self, receipts: Vec<Receipt>) -> Result<(), QueueError> {
        let acknowledged = self.shared.acknowledge(&receipts).await;
        acknowledged.map_err(|fault| fault.while_doing("take acknowledgements"))
    }
}

impl fmt::Debug for AmqpQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AmqpQueue")
            .field("address", &self.address)
            .field("prefix", &self.shared.options.prefix)
            .field("health", &self.health())
            .finish_non_exhaustive()
    }
}
