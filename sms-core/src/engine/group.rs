//! Claiming messages that a lane was told of, and handing them over.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::Inner;
use super::change::Applied;
use super::pulse::Part;
use super::running::Stop;
use super::slots::Room;
use super::submit::Claimed;
use super::wanted::Wanted;
use crate::{ClaimToken, Message, MessageId, ProviderName, State, StoreError};

/// How long to wait before a store that failed is asked again.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// A group of messages on their way to a provider, with a slot for each.
pub(super) struct Group {
    pub(super) inner: Arc<Inner>,
    pub(super) provider: ProviderName,
    pub(super) room: Room,
    pub(super) stop: Stop,
}

impl Group {
    /// Claims what can be claimed and hands it over; none when told to stop before all was tried.
    /// While the store is down it waits and keeps the slots, so that no more is taken than fits.
    pub(super) async fn see_through(mut self, mut wanted: Vec<Wanted>) -> Option<()> {
        loop {
            wanted = self.claim_and_hand_over(wanted).await;
            if wanted.is_empty() {
                return Some(());
            }
            let messages = wanted.len();
            warn!(messages, "the store does not answer; waiting with claims");
            self.stop.or(sleep(RETRY_PAUSE)).await?;
        }
    }

    /// Returns those that the store may still let have.
    async fn claim_and_hand_over(&mut self, mut wanted: Vec<Wanted>) -> Vec<Wanted> {
        let since = Instant::now();
        let step = self.inner.pulse.begin(Part::Claims, Some(&self.provider));
        let results = join_all(wanted.iter_mut().map(|one| self.claim(one))).await;
        drop(step);
        let mut failed = Vec::new();
        for (one, result) in wanted.into_iter().zip(results) {
            match result {
                Ok(Some(message)) => {
                    let claimed = Claimed {
                        message,
                        token: one.token,
                        since,
                    };
                    // There was one for each at the beginning.
                    if let Some(slot) = self.room.split_one() {
                        self.inner.hand_over(self.provider.clone(), claimed, slot);
                    }
                }
                Ok(None) => {}
                Err(error) if error.is_passing() => failed.push(one),
                Err(error) => {
                    warn!(%error, id = %one.id, "a message cannot be claimed");
                    // Nobody knows whether the claim was stored.
                    if let Some(slot) = self.room.split_one() {
                        self.inner.undo(one.id, one.token, slot);
                    }
                }
            }
        }
        failed
    }

    async fn claim(&self, wanted: &mut Wanted) -> Result<Option<Message>, StoreError> {
        let inner = &self.inner;
        let message = match wanted.known.take() {
            Some(message) => message,
            None => match self.read(wanted.id).await? {
                Some(message) => message,
                None => return Ok(None),
            },
        };
        let route = &inner.routes[&self.provider];
        if message.progress.attempts.is_empty() && message.progress.state == State::Queued {
            let now = inner.clock.now();
            let queued_at = message.progress.since().unwrap_or(now);
            route.note_wait(queued_at, now);
        }
        let event = wanted.claim(inner, &self.provider);
        Ok(match inner.apply(message, &event).await? {
            Applied::Changed(message) | Applied::Kept(message, _) => {
                is_mine(&message, wanted.token).then_some(message)
            }
            Applied::Gone => None,
        })
    }

    /// Reads a message that may have been accepted here a moment ago.
    async fn read(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        match self.inner.recent.take(id) {
            Some(message) => Ok(Some(message)),
            None => self.inner.writes.load(id).await,
        }
    }
}

/// Whether the message is being sent under this very claim. It may be, even if the answer of the
/// store to the claim was lost.
fn is_mine(message: &Message, token: ClaimToken) -> bool {
    let last = message.progress.last_attempt();
    message.progress.state == State::Sending
        && last.is_some_and(|last| last.claim == token && last.is_in_flight())
}
