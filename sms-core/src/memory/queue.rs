//! The queue in memory.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::{Hint, MessageId, Priority, ProviderName, Queue, QueueError, Receipt, Task};

/// How many turns of a cycle each priority gets while all of them wait.
const WEIGHTS: [usize; Priority::ALL.len()] = [8, 4, 2, 1];

/// Keeps hints in the memory of this process. What it loses with the process, the deadlines in
/// the store bring back.
///
/// A lane holds at most `capacity` ids. What comes when it is full is refused: the engine offers
/// it again, and what it cannot keep for that long the deadlines bring back.
///
/// Over a store that outlives the process, build the engine with
/// [`hint_all_at_start`](crate::EngineBuilder::hint_all_at_start).
#[derive(Debug)]
pub struct MemoryQueue {
    lanes: Mutex<HashMap<ProviderName, Arc<Lane>>>,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Lane {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    by_priority: [VecDeque<MessageId>; Priority::ALL.len()],
    /// A message that is hinted twice is in line once.
    present: HashSet<MessageId>,
    turn: usize,
}

impl Default for MemoryQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryQueue {
    /// How many ids wait on one route at most: about 64 MB of them.
    pub const DEFAULT_CAPACITY: usize = 1_000_000;

    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(Self::DEFAULT_CAPACITY)
    }

    /// An empty queue whose routes hold at most `capacity` ids each.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            lanes: Mutex::default(),
            capacity,
        }
    }

    fn lane(&self, route: &ProviderName) -> Arc<Lane> {
        let mut lanes = lock(&self.lanes);
        lanes.entry(route.clone()).or_default().clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is guarded here is whole between any two statements.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Waiting {
    /// Says whether all of them are in line now.
    fn add(&mut self, priority: Priority, ids: Vec<MessageId>, capacity: usize) -> bool {
        for id in ids {
            if self.present.contains(&id) {
                continue;
            }
            if self.present.len() >= capacity {
                return false;
            }
            self.present.insert(id);
            self.by_priority[priority as usize].push_back(id);
        }
        true
    }

    fn take(&mut self, most: usize) -> Vec<MessageId> {
        let mut taken = Vec::with_capacity(most.min(self.present.len()));
        while taken.len() < most && !self.present.is_empty() {
            let class = class_of_turn(self.turn);
            self.turn = self.turn.wrapping_add(1);
            if let Some(id) = self.by_priority[class].pop_front() {
                self.present.remove(&id);
                taken.push(id);
            }
        }
        taken
    }
}

/// Which priority, by its number, goes at this turn: its weight in a row for each, over and over.
pub(crate) fn class_of_turn(turn: usize) -> usize {
    let cycle: usize = WEIGHTS.iter().sum();
    let turn = turn % cycle;
    let mut first = 0;
    for (class, weight) in WEIGHTS.iter().enumerate() {
        first += weight;
        if turn < first {
            return class;
        }
    }
    0
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn push(&self, hints: Vec<Hint>) -> Result<(), QueueError> {
        let mut all = true;
        for Hint {
            route,
            priority,
            ids,
        } in hints
        {
            let lane = self.lane(&route);
            all &= lock(&lane.waiting).add(priority, ids, self.capacity);
            lane.arrived.notify_one();
        }
        if all {
            Ok(())
        } else {
            Err(QueueError::new("keep more hints in memory"))
        }
    }

    async fn lease(&self, route: &ProviderName, most: usize) -> Result<Vec<Task>, QueueError> {
        let lane = self.lane(route);
        loop {
            let arrived = lane.arrived.notified();
            let (ids, more) = {
                let mut waiting = lock(&lane.waiting);
                let ids = waiting.take(most.max(1));
                (ids, !waiting.present.is_empty())
            };
            if more {
                // Another consumer of the lane may be waiting for what is left.
                lane.arrived.notify_one();
            }
            if !ids.is_empty() {
                return Ok(vec![Task {
                    ids,
                    receipt: Receipt(0),
                }]);
            }
            arrived.await;
        }
    }

    /// The queue dies with its consumers, so there is nothing to give back a task for.
    async fn acknowledge(&self, _receipts: Vec<Receipt>) -> Result<(), QueueError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SystemEntropy, Timestamp};

    fn hint(priority: Priority, count: usize) -> Hint {
        let id = |_| MessageId::generate(Timestamp::from_millis(1), &SystemEntropy);
        Hint {
            route: "main".parse().unwrap(),
            priority,
            ids: (0..count).map(id).collect(),
        }
    }

    #[tokio::test]
    async fn urgent_messages_go_first_and_bulk_does_not_starve() {
        let queue = MemoryQueue::new();
        let (otp, bulk) = (hint(Priority::Otp, 100), hint(Priority::Bulk, 100));
        queue.push(vec![bulk.clone(), otp.clone()]).await.unwrap();
        let tasks = queue.lease(&otp.route, 18).await.unwrap();
        let ids: Vec<MessageId> = tasks.into_iter().flat_map(|task| task.ids).collect();
        let urgent = ids.iter().filter(|id| otp.ids.contains(id)).count();
        assert_eq!((urgent, ids.len() - urgent), (16, 2));
        assert!(otp.ids.contains(&ids[0]));
    }

    #[tokio::test]
    async fn a_full_lane_refuses_hints_instead_of_growing() {
        let queue = MemoryQueue::with_capacity(3);
        let many = hint(Priority::Normal, 10);
        assert!(queue.push(vec![many.clone()]).await.is_err());
        let known = Hint {
            ids: many.ids[..3].to_vec(),
            ..many.clone()
        };
        assert!(queue.push(vec![known]).await.is_ok(), "they are in line");
        let tasks = queue.lease(&many.route, 100).await.unwrap();
        assert_eq!(tasks[0].ids, many.ids[..3]);
    }
}
