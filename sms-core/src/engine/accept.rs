//! Accepting messages.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::slots::Slot;
use super::submit::Claimed;
use super::{AcceptError, Accepted, Engine, Inner, NewMessage, Observation};
use crate::{
    Callback, ClaimToken, Decision, Event, Inserted, Message, MessageId, Progress, ProviderName,
    Request, State, StoreError, StoreErrorKind, Timestamp, text,
};

/// The longest validity: a week. GSM 03.40 could say 63 weeks, but no provider keeps a message
/// for longer than a few days.
pub(super) const LONGEST_VALIDITY: Duration = Duration::from_secs(7 * 24 * 3_600);
/// The shortest validity that can be kept to.
pub(super) const SHORTEST_VALIDITY: Duration = Duration::from_secs(1);
/// How far ahead a message may be scheduled: a year.
const LONGEST_SCHEDULE: Duration = Duration::from_secs(366 * 24 * 3_600);

/// What a message would become, without sending it.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The text as it would be sent, its encoding and segments.
    pub plan: text::Plan,
    /// The provider that would take it.
    pub route: ProviderName,
}

impl Engine {
    /// Accepts a message. Once this returns, the message is stored and will be sent, whatever
    /// dies. If its future is dropped, the message is accepted or not, but never half.
    ///
    /// # Errors
    /// [`AcceptError`]; only with [`AcceptError::Store`] may the message be stored all the same.
    pub async fn accept(&self, new: NewMessage) -> Result<Accepted, AcceptError> {
        Arc::clone(&self.inner).accept_whole(new).await
    }

    /// Accepts many messages, each with its own answer, in order.
    pub async fn accept_many(&self, new: Vec<NewMessage>) -> Vec<Result<Accepted, AcceptError>> {
        let accept = |new| Arc::clone(&self.inner).accept_whole(new);
        join_all(new.into_iter().map(accept)).await
    }

    /// Says what a message would become, without sending it.
    ///
    /// # Errors
    /// [`AcceptError`], as [`accept`](Engine::accept) would give it.
    pub fn preview(&self, new: &NewMessage) -> Result<Preview, AcceptError> {
        self.inner.schedule(new, self.now())?;
        Ok(Preview {
            plan: self.inner.plan(new)?,
            route: self.inner.route(new)?,
        })
    }
}

impl Inner {
    /// Accepts in a task of its own: a caller that goes away between the insertion and the hint
    /// would leave the message to its deadline.
    async fn accept_whole(self: Arc<Self>, new: NewMessage) -> Result<Accepted, AcceptError> {
        let accepted = tokio::spawn(async move { self.accept(new).await });
        accepted.await.unwrap_or_else(|_| {
            let kind = StoreErrorKind::Unavailable;
            Err(StoreError::new(kind, "insert a message").into())
        })
    }

    async fn accept(self: &Arc<Self>, new: NewMessage) -> Result<Accepted, AcceptError> {
        loop {
            let since = Instant::now();
            let mut message = self.prepare(&new)?;
            let claim = self.claim_at_once(&mut message);
            let existing = match self.writes.insert(&message).await {
                Ok(Inserted::Exists(existing)) if !is_same(&existing, &message) => *existing,
                Ok(_) => {
                    self.after_insert(&message, claim, since);
                    return Ok(Accepted {
                        message,
                        replayed: false,
                    });
                }
                Err(error) => {
                    // Nobody knows whether it was stored. If it was, its claim must not be taken
                    // for one that the provider may have.
                    if let Some((token, slot)) = claim {
                        self.undo(message.id(), token, slot);
                    }
                    return Err(error.into());
                }
            };
            if new.idempotency_key.is_some() {
                return self.replay(existing, &message);
            }
            // Two ids of 48 random bits met within one millisecond. Draw again.
        }
    }

    /// Claims a message that is about to be stored, so that one write does for both: the claim
    /// is stored with it, before the provider hears of it, as every claim is.
    fn claim_at_once(&self, message: &mut Message) -> Option<(ClaimToken, Slot)> {
        if message.state() != State::Queued {
            return None;
        }
        let route = &self.routes[&message.request.route];
        let slot = route.slot_at_once()?;
        let now = message.request.accepted_at;
        let token = ClaimToken(self.entropy.next_u64());
        let event = Event::Claim {
            provider: route.name().clone(),
            token,
            lease_until: now + route.lease(),
        };
        match self.rules.decide(message, &event, now) {
            Decision::Change { progress, .. } => message.progress = progress,
            Decision::Keep(_) => return None,
        }
        route.note_wait(now, now);
        Some((token, slot))
    }

    /// What follows an insertion. A crash before it is made up for by the sweep.
    fn after_insert(
        self: &Arc<Self>,
        message: &Message,
        claim: Option<(ClaimToken, Slot)>,
        since: Instant,
    ) {
        self.observer.observe(&Observation::Accepted {
            message,
            replayed: false,
        });
        if let Some((token, slot)) = claim {
            self.after_commit(State::Queued, message, false, false);
            let claimed = Claimed {
                message: message.clone(),
                token,
                since,
            };
            self.hand_over(message.request.route.clone(), claimed, slot);
        } else if message.state() == State::Queued {
            self.recent.put(message);
            self.hint(message);
        }
    }

    fn replay(&self, existing: Message, asked: &Message) -> Result<Accepted, AcceptError> {
        if existing.request.fingerprint != asked.request.fingerprint {
            return Err(AcceptError::KeyReused);
        }
        self.observer.observe(&Observation::Accepted {
            message: &existing,
            replayed: true,
        });
        Ok(Accepted {
            message: existing,
            replayed: true,
        })
    }

    fn prepare(&self, new: &NewMessage) -> Result<Message, AcceptError> {
        let now = self.clock.now();
        let (send_at, expires_at) = self.schedule(new, now)?;
        let plan = self.plan(new)?;
        let key = new.idempotency_key.as_ref();
        let request = Request {
            id: match key {
                Some(key) => MessageId::derive(&new.tenant, key),
                None => MessageId::generate(now, self.entropy.as_ref()),
            },
            tenant: new.tenant.clone(),
            to: new.to,
            from: new.from,
            text: plan.text,
            encoding: plan.encoding,
            segments: u8::try_from(plan.segments).unwrap_or(u8::MAX),
            priority: new.priority,
            on_unknown: new.on_unknown,
            route: self.route(new)?,
            callback: Callback::generate(self.entropy.as_ref()),
            accepted_at: now,
            send_at,
            expires_at,
            fingerprint: key.map(|_| new.fingerprint()),
        };
        let (state, deadline) = match send_at {
            Some(at) => (State::Scheduled, at),
            None => (State::Queued, self.first_hint_deadline(&request)),
        };
        Ok(Message {
            progress: Progress::accepted(now, state, deadline),
            request: Arc::new(request),
        })
    }

    fn first_hint_deadline(&self, request: &Request) -> Timestamp {
        let wait = self
            .routes
            .get(&request.route)
            .map_or(Duration::ZERO, |route| route.expected_wait());
        let again = self.rules.rehint_at(request.accepted_at, wait);
        again.min(request.expires_at)
    }

    fn plan(&self, new: &NewMessage) -> Result<text::Plan, AcceptError> {
        text::plan(&new.text, new.encoding).map_err(|error| AcceptError::Invalid {
            field: "text",
            problem: error.to_string(),
        })
    }

    fn route(&self, new: &NewMessage) -> Result<ProviderName, AcceptError> {
        match &new.provider {
            None => Ok(self.default_route.clone()),
            Some(name) if self.routes.contains_key(name) => Ok(name.clone()),
            Some(name) => Err(AcceptError::UnknownProvider(name.clone())),
        }
    }

    /// When to send (none: at once) and when the message expires.
    fn schedule(
        &self,
        new: &NewMessage,
        now: Timestamp,
    ) -> Result<(Option<Timestamp>, Timestamp), AcceptError> {
        let validity = new.validity.unwrap_or(self.settings.default_validity);
        if !(SHORTEST_VALIDITY..=LONGEST_VALIDITY).contains(&validity) {
            return Err(AcceptError::Invalid {
                field: "validity",
                problem: "must be from 1 s to 7 days".into(),
            });
        }
        let send_at = new.send_at.filter(|at| *at > now);
        if send_at.is_some_and(|at| at > now + LONGEST_SCHEDULE) {
            return Err(AcceptError::Invalid {
                field: "send_at",
                problem: "must be within a year from now".into(),
            });
        }
        Ok((send_at, send_at.unwrap_or(now) + validity))
    }
}

/// Whether what has the id is this very message: a store that repeats an insertion by itself,
/// because its answer was lost, meets what it wrote before. The callback tells, being 128 bits
/// that were drawn for this message alone.
fn is_same(existing: &Message, inserted: &Message) -> bool {
    existing.request.callback.matches(inserted.request.callback)
}
