//! The engine: drives messages through their lives over a store, a queue and providers.
//!
//! Every step has the same shape: read a message, [decide](crate::Rules::decide) what an event
//! means for it, commit that by compare-and-set, and only then act on it. What is cut off after
//! the commit is done again by the sweep.

mod accept;
mod backlog;
mod batch;
mod builder;
mod cancel;
mod change;
mod gate;
mod group;
mod hints;
mod lane;
mod new_message;
mod observe;
mod parts;
mod pulse;
mod query;
mod recent;
mod report;
mod route;
mod running;
mod set_aside;
mod slots;
mod submit;
mod sweep;
mod wanted;
mod watch;
mod writes;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use accept::Preview;
pub use builder::{BuildError, EngineBuilder, ProviderSetup};
pub use cancel::Canceled;
pub use new_message::{AcceptError, Accepted, NewMessage};
pub use observe::{NoObserver, Observation, Observer};
pub use pulse::{Part, Step};
pub use report::Reported;
pub use running::{Drained, Running};
pub use watch::Watch;

use crate::{
    CallbackPath, Clock, Entropy, Limiter, ListFilter, Message, MessageId, Page, PageToken,
    ProviderName, Queue, Rules, StateCounts, Store, StoreError, Timestamp,
};

/// Drives messages through their lives. Cheap to clone; all clones are one engine.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    queue: Arc<dyn Queue>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    limiter: Arc<dyn Limiter>,
    observer: Arc<dyn Observer>,
    rules: Rules,
    settings: Settings,
    routes: BTreeMap<ProviderName, route::Route>,
    default_route: ProviderName,
    writes: writes::Writes,
    hints: hints::Hinter,
    pulse: Arc<pulse::Pulse>,
    recent: recent::Recent,
    watchers: watch::Watchers,
}

#[derive(Debug, Clone)]
struct Settings {
    default_validity: Duration,
    retention: Option<Duration>,
    callback_base: Option<String>,
    watch_interval: Duration,
    sweep_interval: Duration,
    hint_all_at_start: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_validity: Duration::from_secs(24 * 3_600),
            retention: None,
            callback_base: None,
            watch_interval: Duration::from_secs(1),
            sweep_interval: Duration::from_millis(250),
            hint_all_at_start: false,
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("store", &self.inner.store)
            .field("queue", &self.inner.queue)
            .field("providers", &self.inner.routes.keys())
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Begins an engine over a store and a queue.
    #[must_use]
    pub fn builder(store: Arc<dyn Store>, queue: Arc<dyn Queue>) -> EngineBuilder {
        EngineBuilder::new(store, queue)
    }

    /// The time by the engine's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// The configured providers, by name.
    pub fn providers(&self) -> impl Iterator<Item = &ProviderName> {
        self.inner.routes.keys()
    }

    /// The message with this id.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot tell.
    pub async fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        self.inner.writes.load(id).await
    }

    /// Lists messages, the latest accepted first, `size` at most.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot tell, or the token is not of this store.
    pub async fn list(
        &self,
        filter: &ListFilter,
        after: Option<&PageToken>,
        size: usize,
    ) -> Result<Page, StoreError> {
        self.inner.store.list(filter, after, size).await
    }

    /// How many messages are in each state.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot tell.
    pub async fn count(&self) -> Result<StateCounts, StoreError> {
        self.inner.store.count().await
    }

    /// The earliest deadline of all messages: how far the sweep is behind, if it has passed.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot tell.
    pub async fn next_deadline(&self) -> Result<Option<Timestamp>, StoreError> {
        self.inner.store.next_deadline().await
    }

    /// Whether a callback path bears the token of its message, and names a provider that the
    /// message was handed to.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot tell.
    pub async fn callback_is_genuine(&self, path: &CallbackPath) -> Result<bool, StoreError> {
        let genuine = |message: Message| {
            let mut attempts = message.progress.attempts.iter();
            message.request.callback.matches(path.token)
                && attempts.any(|attempt| attempt.provider == path.provider)
        };
        Ok(self.message(path.id).await?.is_some_and(genuine))
    }
}
