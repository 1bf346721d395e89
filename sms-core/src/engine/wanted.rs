//! A message between the hint that named it and its claim.

use tracing::warn;

use super::Inner;
use crate::{ClaimToken, Decision, Event, Message, MessageId, ProviderName, State};

/// A message that a lane was told of.
pub(super) struct Wanted {
    pub(super) id: MessageId,
    /// What its claim is made under, however often it is tried.
    pub(super) token: ClaimToken,
    /// The message, where it was read already. It may have changed since: then its claim
    /// conflicts, and the conflict brings the message as it is.
    pub(super) known: Option<Message>,
}

impl Wanted {
    pub(super) fn new(id: MessageId, inner: &Inner) -> Self {
        Self {
            id,
            token: ClaimToken(inner.entropy.next_u64()),
            known: None,
        }
    }

    pub(super) fn is_read(&self) -> bool {
        self.known.is_some()
    }

    /// Reads the message if that is still to be done; not read if the store does not answer now,
    /// none if there is nothing to read. A copy that this process kept since it accepted the
    /// message will not do: another process may have claimed it long ago.
    pub(super) async fn read(mut self, inner: &Inner) -> Option<Self> {
        if self.is_read() {
            return Some(self);
        }
        inner.recent.take(self.id);
        self.known = match inner.writes.load(self.id).await {
            Ok(None) => return None,
            Ok(known) => known,
            Err(error) if error.is_passing() => None,
            Err(error) => {
                warn!(%error, id = %self.id, "a message cannot be read");
                return None;
            }
        };
        Some(self)
    }

    /// Whether the message, as it was read, would be sent if it were claimed now.
    pub(super) fn can_be_claimed(&self, inner: &Inner, provider: &ProviderName) -> bool {
        let Some(message) = &self.known else {
            return false;
        };
        let event = self.claim(inner, provider);
        match inner.rules.decide(message, &event, inner.clock.now()) {
            Decision::Change { progress, .. } => progress.state == State::Sending,
            Decision::Keep(_) => false,
        }
    }

    /// The event that claims it.
    pub(super) fn claim(&self, inner: &Inner, provider: &ProviderName) -> Event {
        Event::Claim {
            provider: provider.clone(),
            token: self.token,
            lease_until: inner.clock.now() + inner.routes[provider].lease(),
        }
    }
}
