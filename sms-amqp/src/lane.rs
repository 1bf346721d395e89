//! Hints of one route that have arrived and wait for a worker.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sms_core::{Priority, ProviderName, Receipt, Task};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

use crate::receipts::split;

/// What one message costs a priority. While all of them wait, the shares of messages that go out
/// are as 8 to 4 to 2 to 1.
const COST: [u64; CLASSES] = [1, 2, 4, 8];
const CLASSES: usize = Priority::ALL.len();

/// The first lease of a route waits so long at most until every priority is subscribed to …
const SUBSCRIBING: Duration = Duration::from_millis(500);
/// … and then so long at most for the hints that are known to wait, so that a backlog of bulk
/// messages that happens to come first does not go before the one-time codes. They may have gone
/// to another worker.
const SETTLING: Duration = Duration::from_millis(200);

/// The hints of one route that this process holds and has not leased yet. At most the prefetch of
/// each priority: the broker keeps the rest.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) route: ProviderName,
    waiting: Mutex<Waiting>,
    arrived: Notify,
    /// How many hints of each priority are known to be on their way before the lane opens; none
    /// where it is not subscribed to yet.
    expected: watch::Sender<[Option<usize>; CLASSES]>,
}

#[derive(Debug, Default)]
struct Waiting {
    classes: [Class; CLASSES],
    /// What the class cost that was served last, when it was.
    now: u64,
    /// Whether hints may be leased: see [`SETTLING`].
    is_open: bool,
}

#[derive(Debug, Default)]
struct Class {
    /// With the time of their arrival, the longest here first.
    tasks: VecDeque<(Instant, Task)>,
    /// What its messages have cost so far; the class with the least is served next.
    spent: u64,
}

impl Lane {
    pub(crate) fn new(route: ProviderName) -> Self {
        Self {
            route,
            waiting: Mutex::default(),
            arrived: Notify::new(),
            expected: watch::Sender::default(),
        }
    }

    /// Opens the lane once the first hints of every priority had time to arrive.
    pub(crate) async fn open(&self) {
        let mut expected = self.expected.subscribe();
        let subscribed = expected.wait_for(|classes| classes.iter().all(Option::is_some));
        // If the broker is slow or down, going on matters more than the order.
        let _ = timeout(SUBSCRIBING, subscribed).await;
        let arrived = expected.wait_for(|classes| classes.iter().all(|class| *class == Some(0)));
        let _ = timeout(SETTLING, arrived).await;
        self.lock().is_open = true;
        self.arrived.notify_one();
    }

    /// The priority is subscribed to, and so many hints are on their way.
    pub(crate) fn expect(&self, priority: Priority, hints: usize) {
        self.expected
            .send_modify(|classes| classes[priority as usize] = Some(hints));
    }

    /// A hint arrived.
    pub(crate) fn add(&self, priority: Priority, task: Task) {
        let is_open = {
            let mut waiting = self.lock();
            waiting.add(priority as usize, task);
            waiting.is_open
        };
        if is_open {
            self.arrived.notify_one();
        } else {
            self.expected.send_modify(|classes| {
                let class = &mut classes[priority as usize];
                *class = class.map(|hints| hints.saturating_sub(1));
            });
        }
    }

    /// Drops what arrived over a channel that is gone: the broker delivers it again.
    pub(crate) fn forget(&self, priority: Priority, subscription: u64) {
        let mut waiting = self.lock();
        let class = &mut waiting.classes[priority as usize];
        class
            .tasks
            .retain(|(_, task)| split(&task.receipt).0 != subscription);
    }

    /// Takes out what has waited here for so long.
    pub(crate) fn take_older(&self, priority: Priority, age: Duration) -> Vec<Receipt> {
        let mut waiting = self.lock();
        let tasks = &mut waiting.classes[priority as usize].tasks;
        let young = tasks.partition_point(|(arrived, _)| arrived.elapsed() >= age);
        tasks.drain(..young).map(|(_, task)| task.receipt).collect()
    }

    /// Waits for work, then takes tasks until they name `most` messages.
    pub(crate) async fn lease(&self, most: usize) -> Vec<Task> {
        loop {
            let arrived = self.arrived.notified();
            let (tasks, more) = {
                let mut waiting = self.lock();
                (waiting.take(most.max(1)), waiting.has_work())
            };
            if more {
                // Another worker of the route may be waiting for what is left.
                self.arrived.notify_one();
            }
            if !tasks.is_empty() {
                return tasks;
            }
            arrived.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // What is guarded here is whole between any two statements.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn add(&mut self, class: usize, task: Task) {
        let class = &mut self.classes[class];
        if class.tasks.is_empty() {
            // Nobody saves up turns while nothing waits.
            class.spent = class.spent.max(self.now);
        }
        class.tasks.push_back((Instant::now(), task));
    }

    fn has_work(&self) -> bool {
        self.is_open && self.classes.iter().any(|class| !class.tasks.is_empty())
    }

    fn take(&mut self, most: usize) -> Vec<Task> {
        let mut taken = Vec::new();
        let mut messages = 0;
        while messages < most
            && let Some(task) = self.next()
        {
            messages += task.ids.len();
            taken.push(task);
        }
        taken
    }

    /// The next task: of the class that has spent the least, the more urgent of equals.
    fn next(&mut self) -> Option<Task> {
        if !self.is_open {
            return None;
        }
        let classes = self.classes.iter_mut().zip(COST);
        let (class, cost) = classes
            .filter(|(class, _)| !class.tasks.is_empty())
            .min_by_key(|(class, _)| class.spent)?;
        let (_, task) = class.tasks.pop_front()?;
        self.now = class.spent;
        class.spent += cost * u64::try_from(task.ids.len()).unwrap_or(0);
        Some(task)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use sms_core::{MessageId, SystemEntropy, Timestamp};

    use super::*;
    use tokio::time::sleep;

    fn lane() -> Lane {
        let lane = Lane::new("main".parse().unwrap());
        lane.lock().is_open = true;
        lane
    }

    fn task(count: usize, receipt: u128) -> Task {
        let id = |_| MessageId::generate(Timestamp::from_millis(1), &SystemEntropy);
        Task {
            ids: (0..count).map(id).collect(),
            receipt: Receipt(receipt),
        }
    }

    /// The priorities that are served, in order; the receipt of each task names its priority.
    async fn served(lane: &Lane, count: usize) -> Vec<u128> {
        let mut order = Vec::new();
        while order.len() < count {
            let tasks = lane.lease(1).await;
            order.extend(tasks.iter().map(|task| task.receipt.0));
        }
        order
    }

    #[tokio::test]
    async fn while_all_wait_the_shares_are_8_4_2_1() {
        let lane = lane();
        for priority in Priority::ALL {
            for _ in 0..200 {
                lane.add(priority, task(3, priority as u128));
            }
        }
        let order = served(&lane, 150).await;
        let share = |class| order.iter().filter(|served| **served == class).count();
        assert_eq!([0, 1, 2, 3].map(share), [80, 40, 20, 10]);
        assert_eq!(order[0], 0, "the most urgent first");
    }

    #[tokio::test]
    async fn a_large_hint_uses_up_the_turns_of_many_small_ones() {
        let lane = lane();
        for _ in 0..4 {
            lane.add(Priority::Bulk, task(64, 3));
        }
        for _ in 0..600 {
            lane.add(Priority::Otp, task(1, 0));
        }
        let order = served(&lane, 600).await;
        assert_eq!(order.iter().filter(|served| **served == 3).count(), 2);
    }

    #[tokio::test]
    async fn an_urgent_hint_that_comes_late_is_next_and_saved_up_nothing() {
        let lane = lane();
        for _ in 0..100 {
            lane.add(Priority::Bulk, task(1, 3));
        }
        served(&lane, 50).await;
        for _ in 0..100 {
            lane.add(Priority::Otp, task(1, 0));
        }
        let order = served(&lane, 27).await;
        assert_eq!(order[0], 0);
        let bulk = order.iter().filter(|served| **served == 3).count();
        assert!(
            (2..=4).contains(&bulk),
            "bulk keeps its share: {bulk} of 27"
        );
    }

    #[tokio::test]
    async fn a_lease_ends_with_the_task_that_reaches_what_was_asked_for() {
        let lane = lane();
        for _ in 0..5 {
            lane.add(Priority::Normal, task(3, 2));
        }
        assert_eq!(lane.lease(7).await.len(), 3);
        assert_eq!(lane.lease(0).await.len(), 1);
    }

    #[tokio::test]
    async fn a_lease_that_is_dropped_takes_nothing_with_it() {
        let lane = lane();
        let mut waiting = Box::pin(lane.lease(1));
        assert!((&mut waiting).now_or_never().is_none());
        lane.add(Priority::Normal, task(1, 7));
        drop(waiting);
        assert_eq!(lane.lease(1).await[0].receipt, Receipt(7));
    }

    #[tokio::test]
    async fn what_came_over_a_channel_that_is_gone_is_forgotten() {
        let lane = lane();
        lane.add(Priority::High, task(1, (1 << 64) | 1));
        lane.add(Priority::High, task(1, (2 << 64) | 1));
        lane.forget(Priority::High, 1);
        assert_eq!(lane.lease(10).await.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_nobody_took_for_too_long_is_taken_out() {
        let lane = lane();
        let minute = Duration::from_secs(60);
        for receipt in 1..=3 {
            lane.add(Priority::Bulk, task(1, receipt));
            sleep(minute).await;
        }
        assert_eq!(lane.take_older(Priority::Otp, minute), []);
        assert_eq!(
            lane.take_older(Priority::Bulk, 2 * minute),
            [Receipt(1), Receipt(2)]
        );
        assert_eq!(lane.lease(10).await[0].receipt, Receipt(3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_lane_opens_when_what_waits_for_it_has_arrived() {
        let lane = Lane::new("main".parse().unwrap());
        let hints = async {
            lane.expect(Priority::Bulk, 1);
            lane.add(Priority::Bulk, task(1, 3));
            sleep(SUBSCRIBING / 2).await;
            for priority in [Priority::Otp, Priority::High, Priority::Normal] {
                lane.expect(priority, usize::from(priority == Priority::Otp));
            }
            sleep(SETTLING / 2).await;
            lane.add(Priority::Otp, task(1, 0));
        };
        let start = Instant::now();
        let (tasks, (), ()) = tokio::join!(lane.lease(2), hints, lane.open());
        assert_eq!(tasks[0].receipt, Receipt(0), "the urgent one came in time");
        let waited = start.elapsed();
        assert_eq!(waited, SUBSCRIBING / 2 + SETTLING / 2, "and no longer");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lane_opens_even_if_a_priority_cannot_be_subscribed_to() {
        let lane = Lane::new("main".parse().unwrap());
        lane.add(Priority::Bulk, task(1, 3));
        let (tasks, ()) = tokio::join!(lane.lease(1), lane.open());
        assert_eq!(tasks.len(), 1);
    }
}
