//! Asking a provider what became of a message.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::debug;

use super::Inner;
use super::route::Route;
use crate::{Event, Message, MessageId, ProviderName, State, StoreError};

/// The most questions that one process has under way with a provider: an eighth of the submissions
/// that it has by default. After an outage there is one about each message of it, and the provider
/// should have time for new messages.
const AT_ONCE: usize = 8;
/// The most messages of one provider that wait to be asked about: a few megabytes of ids. What
/// comes beyond that waits for its next deadline.
const MOST_WAITING: usize = 100_000;

/// The messages that a provider is to be asked about, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Questions(Mutex<Line>);

#[derive(Debug, Default)]
struct Line {
    waiting: BTreeSet<MessageId>,
    /// How many askers work on it.
    askers: usize,
}

impl Questions {
    /// Puts a message in line; whether one more asker is needed, which counts from now on.
    fn add(&self, id: MessageId) -> bool {
        let mut line = self.lock();
        if line.waiting.len() < MOST_WAITING {
            line.waiting.insert(id);
        }
        let is_needed = line.askers < AT_ONCE;
        line.askers += usize::from(is_needed);
        is_needed
    }

    /// The next message; none when there is nothing left, and the asker is counted out. If the
    /// provider is asked no more, all that waits goes back to its deadlines.
    fn next(&self, is_asked: bool) -> Option<MessageId> {
        let mut line = self.lock();
        if !is_asked {
            line.waiting.clear();
        }
        let next = line.waiting.pop_first();
        line.askers -= usize::from(next.is_none());
        next
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Asks in the background, if the provider can be asked now. If it cannot, or nothing comes of
    /// it, the message's next deadline asks again.
    pub(super) fn ask(self: &Arc<Self>, message: &Message) {
        let attempt = message.progress.last_attempt();
        let Some(route) = attempt.and_then(|attempt| self.routes.get(&attempt.provider)) else {
            return;
        };
        let is_asked = route.query().is_some() && route.is_asked().is_some();
        if is_asked && route.questions().add(message.id()) {
            let asker = Asker {
                inner: Arc::clone(self),
                provider: route.name().clone(),
                is_counted: true,
            };
            tokio::spawn(asker.run());
        }
    }

    async fn ask_about(self: &Arc<Self>, id: MessageId) -> Result<(), StoreError> {
        let loaded = self.writes.load(id).await?;
        // A report may have come before its turn.
        let Some(message) = loaded.filter(|one| one.state() == State::Unconfirmed) else {
            return Ok(());
        };
        let Some(attempt) = message.progress.last_attempt() else {
            return Ok(());
        };
        let Some(route) = self.routes.get(&attempt.provider) else {
            return Ok(());
        };
        let Some(query) = route.query() else {
            return Ok(());
        };
        let submission = self.submission(&message, attempt, route);
        let asked = query.query(&submission, attempt.provider_id.as_ref());
        let Ok(answer) = tokio::time::timeout(route.timeout(), asked).await else {
            debug!(%id, "a status query was not answered in time");
            return Ok(());
        };
        self.apply(message, &Event::Queried(answer)).await.map(drop)
    }
}

/// Asks one question after the other while there are any.
struct Asker {
    inner: Arc<Inner>,
    provider: ProviderName,
    is_counted: bool,
}

impl Asker {
    async fn run(mut self) {
        let inner = Arc::clone(&self.inner);
        loop {
            // A drain waits for the question that is under way, and no further one is asked.
            let until_kept = self.route().is_asked();
            let Some(id) = self.next(until_kept.is_some()) else {
                return;
            };
            if let Err(error) = inner.ask_about(id).await {
                debug!(%error, %id, "nothing came of a status query");
            }
        }
    }

    fn next(&mut self, is_asked: bool) -> Option<MessageId> {
        let next = self.route().questions().next(is_asked);
        self.is_counted = next.is_some();
        next
    }

    fn route(&self) -> &Route {
        &self.inner.routes[&self.provider]
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        if self.is_counted {
            // The query panicked. Later questions need somebody to ask them.
            self.route().questions().lock().askers -= 1;
        }
    }
}
