//! Handing one claimed message to its provider, and keeping the answer.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tracing::{error, warn};

use super::change::Applied;
use super::pulse::Part;
use super::route::Route;
use super::slots::Slot;
use super::{Inner, Observation};
use crate::{
    Answer, Attempt, CallbackPath, CallbackSupport, CallbackUrl, ClaimToken, Event, Message,
    MessageId, Outcome, ProviderName, ReportKey, StoreError, Submission,
};

/// A provider that keeps to its time-out answers before we stop waiting.
const TIMEOUT_SLACK: Duration = Duration::from_millis(500);
/// The pauses between tries to keep an answer while the store is down.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A message that was claimed for its provider.
pub(super) struct Claimed {
    pub(super) message: Message,
    pub(super) token: ClaimToken,
    /// When the claim was asked for; the lease runs from then at the earliest.
    pub(super) since: Instant,
}

impl Inner {
    /// Submits a claimed message in a task of its own, which frees the slot.
    pub(super) fn hand_over(
        self: &Arc<Self>,
        provider: ProviderName,
        claimed: Claimed,
        slot: Slot,
    ) {
        let inner = Arc::clone(self);
        tokio::spawn(async move { inner.submit(&provider, claimed, slot).await });
    }

    /// Submits a claimed message and keeps the answer.
    async fn submit(self: &Arc<Self>, provider: &ProviderName, claimed: Claimed, slot: Slot) {
        let Claimed {
            message,
            token,
            since,
        } = claimed;
        let route = &self.routes[provider];
        // A quarter of the lease for everything before the request, three for the rest: so a
        // worker that slept over its lease does not send what another may be sending.
        let fresh = |attempt: &&Attempt| {
            // The claim may have been written at an earlier try, and a suspended machine stops the
            // one clock but not the other.
            let since = since
                .elapsed()
                .max(self.clock.now().since(attempt.started_at));
            since <= route.lease() / 4
        };
        let Some(attempt) = message.progress.last_attempt().filter(fresh) else {
            return self.give_back(message, token).await;
        };
        let submission = self.submission(&message, attempt, route);
        let started = Instant::now();
        let limit = route.timeout() + TIMEOUT_SLACK;
        let answer = timeout(limit, route.provider().submit(&submission))
            .await
            .unwrap_or_else(|_| Answer::from(Outcome::Unknown))
            .in_bounds();
        let took = started.elapsed();
        self.heed(route, &answer.outcome);
        let _until_kept = slot.answered();
        let event = Event::Answered { token, answer };
        let Some(message) = self.keep(message, &event).await else {
            return;
        };
        self.after_answer(&message, token, took).await;
    }

    /// Holds back what comes next if the provider's answer says so.
    fn heed(&self, route: &Route, outcome: &Outcome) {
        let provider = route.name();
        if let Some(pause) = route.note_outcome(outcome.kind(), outcome.retry_after()) {
            warn!(%provider, ?pause, "the provider gets nothing for a while");
            self.observer
                .observe(&Observation::Held { provider, pause });
        }
    }

    async fn after_answer(self: &Arc<Self>, message: &Message, token: ClaimToken, took: Duration) {
        let attempts = &message.progress.attempts;
        let Some(attempt) = attempts.iter().find(|attempt| attempt.claim == token) else {
            return;
        };
        self.observer.observe(&Observation::AttemptEnded {
            message,
            attempt,
            took,
        });
        if let Err(error) = self.join_parked(message, attempt).await {
            // The sweep of parked reports finds it.
            warn!(%error, "reports that came early wait for the sweep");
        }
    }

    /// Reports that came before the provider's id was known to us.
    async fn join_parked(
        self: &Arc<Self>,
        message: &Message,
        attempt: &Attempt,
    ) -> Result<(), StoreError> {
        let Some(provider_id) = attempt.provider_id.clone() else {
            return Ok(());
        };
        let key = ReportKey {
            provider: attempt.provider.clone(),
            provider_id,
        };
        for parked in self.writes.parked(key).await? {
            self.apply(message.clone(), &Event::Reported(parked.report.clone()))
                .await?;
            self.store.unpark(vec![parked]).await?;
        }
        Ok(())
    }

    /// Applies an event that must not be lost: until the store takes it.
    pub(super) async fn keep(self: &Arc<Self>, message: Message, event: &Event) -> Option<Message> {
        let mut pause = FIRST_PAUSE;
        loop {
            let applied = self.apply(message.clone(), event);
            match self.pulse.during(Part::Answer, applied).await {
                Ok(Applied::Changed(message) | Applied::Kept(message, _)) => return Some(message),
                Ok(Applied::Gone) => return None,
                Err(error) if error.is_passing() => {
                    warn!(%error, id = %message.id(), "an answer waits for the store");
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => {
                    error!(%error, id = %message.id(), "an answer cannot be kept");
                    return None;
                }
            }
        }
    }

    /// Gives back a claim under which nothing was said to the provider.
    pub(super) async fn give_back(self: &Arc<Self>, message: Message, token: ClaimToken) {
        self.keep(message, &Event::GiveBack { token }).await;
    }

    /// The same for a claim of which nobody knows whether it is stored. What is stored under the
    /// id may come from another call with the same idempotency key, at the very same version: so
    /// it is read, and not what was to be written taken for it.
    pub(super) async fn give_back_if_stored(self: &Arc<Self>, id: MessageId, token: ClaimToken) {
        let mut pause = FIRST_PAUSE;
        let stored = loop {
            match self.writes.load(id).await {
                Ok(stored) => break stored,
                Err(error) if error.is_passing() => {
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                // Its lease will end.
                Err(error) => return error!(%error, %id, "a claim cannot be given back"),
            }
        };
        if let Some(message) = stored {
            self.give_back(message, token).await;
        }
    }

    /// The same in the background. A drain waits for it, for the slot tells that it is under way.
    pub(super) fn undo(self: &Arc<Self>, id: MessageId, token: ClaimToken, slot: Slot) {
        let inner = Arc::clone(self);
        tokio::spawn(async move {
            let _until_given_back = slot.answered();
            inner.give_back_if_stored(id, token).await;
        });
    }

    /// What the provider is given: the same on every attempt, but for the attempt's number.
    pub(super) fn submission(
        &self,
        message: &Message,
        attempt: &Attempt,
        route: &Route,
    ) -> Submission {
        let request = &message.request;
        let per_message = route.capabilities().callback == CallbackSupport::PerMessage;
        let base = self.settings.callback_base.as_ref();
        let callback_url = base.filter(|_| per_message).map(|base| {
            let path = CallbackPath {
                provider: route.name().clone(),
                id: request.id,
                token: request.callback,
            };
            CallbackUrl::new(path.url(base))
        });
        Submission {
            id: request.id,
            reference: request.id.reference(),
            attempt: attempt.number,
            to: request.to,
            from: request.from,
            text: request.text.clone(),
            encoding: request.encoding,
            segments: request.segments,
            expires_at: request.expires_at,
            callback_url,
        }
    }
}
