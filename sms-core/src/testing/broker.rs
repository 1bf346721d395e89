//! A queue that behaves as a broker does.

use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::memory::class_of_turn;
use crate::{Hint, Priority, ProviderName, Queue, QueueError, Receipt, Task};

/// A broker in memory: every hint is a task as it was pushed, however often its messages were
/// named before, and what a consumer has not acknowledged comes again once that is gone.
#[derive(Debug, Clone, Default)]
pub struct Broker(Arc<Shared>);

/// One consumer's connection to a [`Broker`]; dropping it disconnects.
#[derive(Debug)]
pub struct BrokerQueue {
    broker: Broker,
    consumer: u64,
}

#[derive(Debug, Default)]
struct Shared {
    tasks: Mutex<Tasks>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Tasks {
    lanes: BTreeMap<ProviderName, Lane>,
    leased: BTreeMap<u128, Leased>,
    consumers: u64,
    receipts: u128,
}

#[derive(Debug, Default)]
struct Lane {
    by_priority: [VecDeque<Hint>; Priority::ALL.len()],
    turn: usize,
}

#[derive(Debug)]
struct Leased {
    consumer: u64,
    hint: Hint,
}

impl Broker {
    /// A broker with nothing to say.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A further consumer of the same hints.
    #[must_use]
    pub fn connect(&self) -> BrokerQueue {
        let mut tasks = self.lock();
        tasks.consumers += 1;
        BrokerQueue {
            broker: self.clone(),
            consumer: tasks.consumers,
        }
    }

    /// How many messages the hints name that no consumer has.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let tasks = self.lock();
        let lanes = tasks.lanes.values().flat_map(|lane| &lane.by_priority);
        lanes.flatten().map(|hint| hint.ids.len()).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Tasks> {
        // What is guarded here is whole between any two statements.
        self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BrokerQueue {
    /// Gives back what this consumer has leased and not acknowledged, as when its process dies;
    /// says how many tasks.
    pub fn disconnect(&self) -> usize {
        let mut tasks = self.broker.lock();
        let (mine, others) = std::mem::take(&mut tasks.leased)
            .into_iter()
            .partition::<BTreeMap<_, _>, _>(|(_, leased)| leased.consumer == self.consumer);
        tasks.leased = others;
        let count = mine.len();
        // In their old order, ahead of what nobody has had yet.
        for Leased { hint, .. } in mine.into_values().rev() {
            tasks.class(&hint.route, hint.priority).push_front(hint);
        }
        drop(tasks);
        self.broker.0.arrived.notify_waiters();
        count
    }
}

impl Drop for BrokerQueue {
    fn drop(&mut self) {
        self.disconnect();
    }
}

impl Tasks {
    fn class(&mut self, route: &ProviderName, priority: Priority) -> &mut VecDeque<Hint> {
        let lane = self.lanes.entry(route.clone()).or_default();
        &mut lane.by_priority[priority as usize]
    }

    fn take(&mut self, route: &ProviderName, most: usize, consumer: u64) -> Vec<Task> {
        let mut taken = Vec::new();
        let mut messages = 0;
        while messages < most
            && let Some(hint) = self.lanes.get_mut(route).and_then(Lane::next)
        {
            messages += hint.ids.len();
            self.receipts += 1;
            taken.push(Task {
                ids: hint.ids.clone(),
                receipt: Receipt(self.receipts),
            });
            self.leased.insert(self.receipts, Leased { consumer, hint });
        }
        taken
    }
}

impl Lane {
    fn next(&mut self) -> Option<Hint> {
        if self.by_priority.iter().all(VecDeque::is_empty) {
            return None;
        }
        loop {
            let class = class_of_turn(self.turn);
            self.turn = self.turn.wrapping_add(1);
            if let Some(hint) = self.by_priority[class].pop_front() {
                return Some(hint);
            }
        }
    }
}

#[async_trait]
impl Queue for BrokerQueue {
    async fn push(&self, hints: Vec<Hint>) -> Result<(), QueueError> {
        let mut tasks = self.broker.lock();
        for hint in hints {
            tasks.class(&hint.route, hint.priority).push_back(hint);
        }
        drop(tasks);
        self.broker.0.arrived.notify_waiters();
        Ok(())
    }

    async fn lease(&self, route: &ProviderName, most: usize) -> Result<Vec<Task>, QueueError> {
        loop {
            let mut arrived = pin!(self.broker.0.arrived.notified());
            // From here on nothing that arrives is missed.
            arrived.as_mut().enable();
            let tasks = self.broker.lock().take(route, most.max(1), self.consumer);
            if !tasks.is_empty() {
                return Ok(tasks);
            }
            arrived.await;
        }
    }

    async fn acknowledge(&self, receipts: Vec<Receipt>) -> Result<(), QueueError> {
        let mut tasks = self.broker.lock();
        for Receipt(number) in receipts {
            tasks.leased.remove(&number);
        }
        Ok(())
    }
}
