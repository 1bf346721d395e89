//! The lane of one provider: takes hints from the queue, claims messages, hands them over.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, warn};

use super::Inner;
use super::change::Applied;
use super::route::Route;
use super::running::Stop;
use super::slots::{AllEnded, Room, Slots};
use super::submit::Claimed;
use crate::{ClaimToken, Event, Message, MessageId, ProviderName, Receipt, State, StoreError};

/// How long to wait before a store or queue that failed is asked again.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

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
            let most = room.len() + self.slots.free();
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
        self.see_through(&ids, room).await?;
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

    /// Claims and hands over all of these messages, in groups as slots and throughput allow.
    async fn see_through(&mut self, mut ids: &[MessageId], room: Room) -> Option<()> {
        // Work may have come long after the room, and the gate closed in between.
        let mut room = Some(room).filter(|_| self.route().gate().is_open(Instant::now()));
        while !ids.is_empty() {
            let mut room = match room.take() {
                Some(room) => room,
                None => {
                    self.wait_for_gate().await?;
                    self.room().await?
                }
            };
            if !self.route().gate().is_probing() {
                room.grow(ids.len());
            }
            let most = room.len().min(ids.len());
            let granted = self.throughput(most).await?;
            if self.is_shut() {
                continue;
            }
            let (group, rest) = ids.split_at(granted);
            for claimed in self.claim_group(group).await? {
                // One slot was taken for each id of the group.
                let Some(slot) = room.split_one() else {
                    break;
                };
                self.inner.hand_over(self.name.clone(), claimed, slot);
            }
            ids = rest;
        }
        Some(())
    }

    /// Waits until the provider's throughput allows at least one message; says how many.
    async fn throughput(&mut self, want: usize) -> Option<usize> {
        let Some(throughput) = self.route().throughput() else {
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
                self.hand_over_or_give_back(done);
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
            route.note_wait(queued_at, now);
        }
        let event = Event::Claim {
            provider: self.name.clone(),
            token,
            lease_until: now + route.lease(),
        };
        Ok(match inner.apply(message, &event).await? {
            Applied::Changed(message) | Applied::Kept(message, _) => {
                is_mine(&message, token).then_some(message)
            }
            Applied::Gone => None,
        })
    }

    fn hand_over_or_give_back(&self, claimed: Claimed) {
        if let Some(slot) = self.slots.try_one() {
            return self.inner.hand_over(self.name.clone(), claimed, slot);
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
