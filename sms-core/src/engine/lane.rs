//! The lane of one provider: takes hints from the queue, claims messages, hands them over.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, warn};

use super::change::Applied;
use super::gate::Gate;
use super::running::Stop;
use super::{Inner, Observation, ProviderSetup};
use crate::{
    AttemptOutcome, Capabilities, ClaimToken, Event, Message, MessageId, Provider, ProviderName,
    Receipt, State, StatusQuery, StoreError,
};

/// How long to wait before a store or queue that failed is asked again.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// The wait for a worker is averaged over about so many messages.
const WAIT_SMOOTHING: u64 = 16;

/// A provider with what the engine keeps beside it.
pub(super) struct Route {
    setup: ProviderSetup,
    capabilities: Capabilities,
    lease: Duration,
    gate: Mutex<Gate>,
    expected_wait_ms: AtomicU64,
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("setup", &self.setup)
            .finish_non_exhaustive()
    }
}

impl Route {
    pub(super) fn new(setup: ProviderSetup, lease: Duration) -> Self {
        Self {
            capabilities: setup.provider.capabilities(),
            setup,
            lease,
            gate: Mutex::default(),
            expected_wait_ms: AtomicU64::new(0),
        }
    }

    pub(super) fn name(&self) -> &ProviderName {
        self.setup.provider.name()
    }

    pub(super) fn provider(&self) -> &dyn Provider {
        self.setup.provider.as_ref()
    }

    pub(super) fn query(&self) -> Option<&dyn StatusQuery> {
        self.setup.query.as_deref()
    }

    pub(super) fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    pub(super) fn timeout(&self) -> Duration {
        self.capabilities.timeout
    }

    pub(super) fn lease(&self) -> Duration {
        self.lease
    }

    /// How long a queued message waits for a worker, going by the latest ones.
    pub(super) fn expected_wait(&self) -> Duration {
        Duration::from_millis(self.expected_wait_ms.load(Ordering::Relaxed))
    }

    fn note_wait(&self, wait: Duration) {
        let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX / WAIT_SMOOTHING);
        let average = self.expected_wait_ms.load(Ordering::Relaxed);
        let next = (average * (WAIT_SMOOTHING - 1) + wait) / WAIT_SMOOTHING;
        self.expected_wait_ms.store(next, Ordering::Relaxed);
    }

    pub(super) fn note_outcome(
        &self,
        outcome: AttemptOutcome,
        retry_after: Option<Duration>,
    ) -> Option<Duration> {
        self.gate().note(outcome, retry_after, Instant::now())
    }

    fn gate(&self) -> std::sync::MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Works for one provider until told to stop, then waits for what is under way.
pub(super) struct Lane {
    inner: Arc<Inner>,
    name: ProviderName,
    slots: Arc<Semaphore>,
    concurrency: u32,
    stop: Stop,
}

/// A message that this lane has claimed.
pub(super) struct Claimed {
    pub(super) message: Message,
    pub(super) token: ClaimToken,
    /// When the claim was asked for; the lease runs from then at the earliest.
    pub(super) since: Instant,
}

impl Lane {
    pub(super) fn new(inner: Arc<Inner>, name: ProviderName, stop: Stop) -> Self {
        let concurrency = inner.routes[&name].setup.concurrency;
        let concurrency = u32::try_from(concurrency).unwrap_or(u32::MAX);
        Self {
            slots: Arc::new(Semaphore::new(concurrency as usize)),
            concurrency,
            inner,
            name,
            stop,
        }
    }

    fn route(&self) -> &Route {
        &self.inner.routes[&self.name]
    }

    pub(super) async fn run(mut self) {
        while self.turn().await.is_some() {}
        // What is under way holds the slots.
        let _all = self.slots.acquire_many(self.concurrency).await;
    }

    /// Takes some hints and sees them through; none when told to stop.
    async fn turn(&mut self) -> Option<()> {
        self.wait_for_gate().await?;
        let slots = self.free_slots().await?;
        let tasks = {
            let leased = self.inner.queue.lease(&self.name, slots.num_permits());
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
        self.see_through(&ids, slots).await?;
        if let Err(error) = self.inner.queue.acknowledge(receipts).await {
            debug!(%error, "tasks may come again");
        }
        Some(())
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

    /// As many slots as are free, at least one. A provider that has to prove itself gets one
    /// message while nothing else is under way.
    async fn free_slots(&mut self) -> Option<OwnedSemaphorePermit> {
        let slots = Arc::clone(&self.slots);
        if self.route().gate().is_probing() {
            let all = self.stop.or(slots.acquire_many_owned(self.concurrency));
            let mut all = all.await?.ok()?;
            return all.split(1);
        }
        let mut mine = self
            .stop
            .or(Arc::clone(&slots).acquire_owned())
            .await?
            .ok()?;
        let free = u32::try_from(slots.available_permits()).unwrap_or(u32::MAX);
        if let Ok(more) = slots.try_acquire_many_owned(free) {
            mine.merge(more);
        }
        Some(mine)
    }

    /// Claims and hands over all of these messages, in groups as slots and throughput allow.
    async fn see_through(
        &mut self,
        mut ids: &[MessageId],
        slots: OwnedSemaphorePermit,
    ) -> Option<()> {
        // Work may have come long after the slots, and the gate closed in between.
        let mut slots = Some(slots).filter(|_| self.route().gate().is_open(Instant::now()));
        while !ids.is_empty() {
            let mut group_slots = match slots.take() {
                Some(slots) => slots,
                None => {
                    self.wait_for_gate().await?;
                    self.free_slots().await?
                }
            };
            let most = group_slots.num_permits().min(ids.len());
            let granted = self.throughput(most).await?;
            if self.is_shut() {
                continue;
            }
            let (group, rest) = ids.split_at(granted);
            for claimed in self.claim_group(group).await? {
                // One slot was taken for each id of the group.
                let Some(slot) = group_slots.split(1) else {
                    break;
                };
                self.hand_over(claimed, slot);
            }
            ids = rest;
        }
        Some(())
    }

    /// Waits until the provider's throughput allows at least one message; says how many.
    async fn throughput(&mut self, want: usize) -> Option<usize> {
        let Some(throughput) = self.route().setup.throughput else {
            return Some(want);
        };
        let inner = Arc::clone(&self.inner);
        let want = u32::try_from(want).unwrap_or(u32::MAX);
        loop {
            let wait = match inner.limiter.take(&self.name, throughput, want).await {
                Ok(grant) if grant.granted > 0 => return Some(grant.granted.min(want) as usize),
                Ok(grant) => grant.wait,
                Err(error) => {
                    warn!(%error, provider = %self.name, "waiting for the limiter");
                    RETRY_PAUSE
                }
            };
            self.stop.or(sleep(wait)).await?;
        }
    }

    /// Claims what can be claimed of a group. While the store is down it waits: the hints are not
    /// acknowledged, and no more are taken.
    async fn claim_group(&mut self, ids: &[MessageId]) -> Option<Vec<Claimed>> {
        let mut wanted: Vec<(MessageId, ClaimToken)> = ids
            .iter()
            .map(|id| (*id, ClaimToken(self.inner.entropy.next_u64())))
            .collect();
        let mut claimed = Vec::with_capacity(ids.len());
        loop {
            let since = Instant::now();
            let results = {
                let claim = |(id, token): &(MessageId, ClaimToken)| self.claim(*id, *token);
                join_all(wanted.iter().map(claim)).await
            };
            let mut failed = Vec::new();
            for (wish, result) in wanted.into_iter().zip(results) {
                match result {
                    Ok(Some(message)) => claimed.push(Claimed {
                        message,
                        token: wish.1,
                        since,
                    }),
                    Ok(None) => {}
                    Err(error) if error.is_passing() => failed.push(wish),
                    Err(error) => warn!(%error, id = %wish.0, "a message cannot be claimed"),
                }
            }
            if failed.is_empty() {
                return Some(claimed);
            }
            warn!(
                messages = failed.len(),
                "the store does not answer; waiting with claims"
            );
            for done in claimed.drain(..) {
                // Handed over now, or its lease would run out while we wait.
                let slot = Arc::clone(&self.slots).try_acquire_owned().ok();
                self.hand_over_or_give_back(done, slot);
            }
            wanted = failed;
            self.stop.or(sleep(RETRY_PAUSE)).await?;
        }
    }

    async fn claim(&self, id: MessageId, token: ClaimToken) -> Result<Option<Message>, StoreError> {
        let inner = &self.inner;
        let message = match inner.recent.take(id) {
            Some(message) => message,
            None => match inner.writes.load(id).await? {
                Some(message) => message,
                None => return Ok(None),
            },
        };
        let route = self.route();
        let now = inner.clock.now();
        if message.progress.attempts.is_empty() && message.progress.state == State::Queued {
            let queued_at = message.progress.since().unwrap_or(now);
            route.note_wait(now.since(queued_at));
        }
        let event = Event::Claim {
            provider: self.name.clone(),
            token,
            lease_until: now + route.lease,
        };
        Ok(match inner.apply(message, &event).await? {
            Applied::Changed(message) | Applied::Kept(message, _) => {
                is_mine(&message, token).then_some(message)
            }
            Applied::Gone => None,
        })
    }

    fn hand_over(&self, claimed: Claimed, slot: OwnedSemaphorePermit) {
        let inner = Arc::clone(&self.inner);
        let name = self.name.clone();
        tokio::spawn(async move {
            inner.submit(&name, claimed).await;
            drop(slot);
        });
    }

    fn hand_over_or_give_back(&self, claimed: Claimed, slot: Option<OwnedSemaphorePermit>) {
        if let Some(slot) = slot {
            return self.hand_over(claimed, slot);
        }
        let inner = Arc::clone(&self.inner);
        tokio::spawn(async move { inner.give_back(claimed.message, claimed.token).await });
    }
}

/// Whether the message is being sent under this very claim. It may be, even if the answer of the
/// store to the claim was lost.
fn is_mine(message: &Message, token: ClaimToken) -> bool {
    let last = message.progress.last_attempt();
    message.progress.state == State::Sending
        && last.is_some_and(|last| last.claim == token && last.is_in_flight())
}

impl Inner {
    pub(super) fn note_pause(&self, provider: &ProviderName, pause: Duration) {
        warn!(%provider, ?pause, "the provider gets nothing for a while");
        self.observer
            .observe(&Observation::Held { provider, pause });
    }
}
