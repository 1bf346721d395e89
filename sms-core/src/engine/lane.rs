//! The lane of one provider: takes hints from the queue, when and as many as the provider takes.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{debug, warn};

use super::Inner;
use super::group::Group;
use super::pulse::Part;
use super::route::Route;
use super::running::Stop;
use super::slots::{AllEnded, Room, Slots, UnderWay};
use super::wanted::Wanted;
use crate::{MessageId, ProviderName, Receipt};

/// How long to wait before a queue, store or limiter that failed is asked again.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// How long the limiter may take to answer before it is asked anew: some round trips to a server
/// that has to be found again first.
const LIMITER_PATIENCE: Duration = Duration::from_secs(10);

/// Works for one provider until told to stop, then waits for what is under way.
pub(super) struct Lane {
    inner: Arc<Inner>,
    name: ProviderName,
    slots: Slots,
    all_ended: AllEnded,
    stop: Stop,
}

impl Lane {
    pub(super) fn new(inner: Arc<Inner>, name: ProviderName, stop: Stop) -> Self {
        let (slots, all_ended) = Slots::new(inner.routes[&name].concurrency());
        Self {
            slots,
            all_ended,
            inner,
            name,
            stop,
        }
    }

    fn route(&self) -> &Route {
        &self.inner.routes[&self.name]
    }

    pub(super) async fn run(mut self) {
        self.route().open(self.slots.clone());
        while self.turn().await.is_some() {}
        self.route().close();
        drop(self.slots);
        self.all_ended.wait().await;
    }

    /// Takes some hints and sees them through; none when told to stop.
    async fn turn(&mut self) -> Option<()> {
        self.wait_for_gate().await?;
        let room = self.room().await?;
        let tasks = {
            let most = self.route().at_once(room.len() + self.slots.free());
            let leased = self.inner.queue.lease(&self.name, most);
            self.stop.or(leased).await?
        };
        let tasks = match tasks {
            Ok(tasks) => tasks,
            Err(error) => {
                warn!(%error, provider = %self.name, "no work can be taken from the queue");
                return self.stop.or(sleep(RETRY_PAUSE)).await;
            }
        };
        let (ids, receipts): (Vec<_>, Vec<Receipt>) = tasks
            .into_iter()
            .map(|task| (task.ids, task.receipt))
            .unzip();
        let ids: Vec<MessageId> = ids.into_iter().flatten().collect();
        let wanted = self.look(ids).await?;
        let groups = self.split(wanted, room).await?;
        let inner = Arc::clone(&self.inner);
        let until_done = self.slots.under_way();
        tokio::spawn(acknowledge(inner, receipts, groups, until_done));
        Some(())
    }

    /// Where a throughput is to be kept, drops what a claim would not get: hints may name a
    /// message again and again, and each grant of the limiter that nothing comes of is time in
    /// which the provider gets nothing.
    async fn look(&mut self, ids: Vec<MessageId>) -> Option<Vec<Wanted>> {
        let inner = Arc::clone(&self.inner);
        let all = |ids: Vec<_>| ids.into_iter().map(|id| Wanted::new(id, &inner)).collect();
        if self.route().throughput().is_none() {
            return Some(all(ids));
        }
        let mut seen = HashSet::new();
        let once = ids.into_iter().filter(|id| seen.insert(*id)).collect();
        let mut wanted = self.read(all(once)).await?;
        wanted.retain(|one| one.can_be_claimed(&inner, &self.name));
        Some(wanted)
    }

    /// Reads these messages, however long the store takes to come back; those that are gone are
    /// left out.
    async fn read(&mut self, mut wanted: Vec<Wanted>) -> Option<Vec<Wanted>> {
        loop {
            let step = self.inner.pulse.begin(Part::Claims, Some(&self.name));
            let read = join_all(wanted.into_iter().map(|one| one.read(&self.inner)));
            let read = self.stop.or(read).await?;
            drop(step);
            wanted = read.into_iter().flatten().collect();
            let messages = wanted.iter().filter(|one| !one.is_read()).count();
            if messages == 0 {
                return Some(wanted);
            }
            warn!(messages, "the store does not answer; waiting with claims");
            self.stop.or(sleep(RETRY_PAUSE)).await?;
        }
    }

    fn is_shut(&self) -> bool {
        let gate = self.route().gate();
        gate.closed_until(Instant::now()).is_some()
    }

    async fn wait_for_gate(&mut self) -> Option<()> {
        loop {
            let closed_until = self.route().gate().closed_until(Instant::now());
            match closed_until {
                None => return Some(()),
                Some(until) => self.stop.or(sleep_until(until)).await?,
            }
        }
    }

    /// Room for at least one message. A provider that has to prove itself gets one while nothing
    /// else is under way.
    async fn room(&mut self) -> Option<Room> {
        let is_probing = self.route().gate().is_probing();
        let room = async {
            if is_probing {
                self.slots.only_one().await
            } else {
                self.slots.one().await
            }
        };
        self.stop.or(room).await?
    }

    /// Has all of these messages claimed and handed over, in groups as slots and throughput allow.
    /// The next messages are taken while they are at it.
    async fn split(
        &mut self,
        mut wanted: Vec<Wanted>,
        room: Room,
    ) -> Option<Vec<JoinHandle<Option<()>>>> {
        let mut groups = Vec::new();
        // Work may have come long after the room, and the gate closed in between.
        let mut room = Some(room).filter(|_| self.route().gate().is_open(Instant::now()));
        while !wanted.is_empty() {
            let mut room = match room.take() {
                Some(room) => room,
                None => {
                    self.wait_for_gate().await?;
                    self.room().await?
                }
            };
            if !self.route().gate().is_probing() {
                room.grow(wanted.len());
            }
            let most = room.len().min(wanted.len());
            let granted = self.throughput(most).await?;
            if self.is_shut() {
                continue;
            }
            let later = wanted.split_off(granted);
            let group = Group {
                inner: Arc::clone(&self.inner),
                provider: self.name.clone(),
                room,
                stop: self.stop.clone(),
            };
            groups.push(tokio::spawn(group.see_through(wanted)));
            wanted = later;
        }
        Some(groups)
    }

    /// Waits until the provider's throughput allows at least one message; says how many.
    async fn throughput(&mut self, want: usize) -> Option<usize> {
        let Some(throughput) = self.route().throughput() else {
            return Some(want);
        };
        let inner = Arc::clone(&self.inner);
        let want = u32::try_from(want).unwrap_or(u32::MAX);
        // One step for as long as it is silent, however often it is asked.
        let mut step = None;
        loop {
            step.get_or_insert_with(|| inner.pulse.begin(Part::Limiter, Some(&self.name)));
            let taken = inner.limiter.take(&self.name, throughput, want);
            let taken = self.stop.or(timeout(LIMITER_PATIENCE, taken)).await?;
            if taken.is_ok() {
                step = None;
            }
            let wait = match taken {
                Ok(Ok(grant)) if grant.granted > 0 => {
                    return Some(grant.granted.min(want) as usize);
                }
                Ok(Ok(grant)) => grant.wait,
                Ok(Err(error)) => {
                    warn!(%error, provider = %self.name, "waiting for the limiter");
                    RETRY_PAUSE
                }
                Err(_) => {
                    warn!(provider = %self.name, "the limiter does not answer");
                    RETRY_PAUSE
                }
            };
            self.stop.or(sleep(wait)).await?;
        }
    }
}

/// Once all of these groups are seen through, the queue need not tell of them again.
async fn acknowledge(
    inner: Arc<Inner>,
    receipts: Vec<Receipt>,
    groups: Vec<JoinHandle<Option<()>>>,
    _until_done: UnderWay,
) {
    for group in groups {
        if !matches!(group.await, Ok(Some(()))) {
            return;
        }
    }
    let acknowledged = inner.queue.acknowledge(receipts);
    let acknowledged = inner.pulse.during(Part::Acknowledgement, acknowledged);
    if let Err(error) = acknowledged.await {
        debug!(%error, "tasks may come again");
    }
}
