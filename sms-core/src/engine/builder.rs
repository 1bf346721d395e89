//! Putting an engine together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::accept::{LONGEST_VALIDITY, SHORTEST_VALIDITY};
use super::hints::{self, Hinter, Hinting};
use super::pulse::Pulse;
use super::route::Route;
use super::{Engine, Inner, NoObserver, Observer, Settings, recent, watch, writes};
use crate::{
    Clock, Entropy, Limiter, LocalLimiter, Provider, ProviderName, ProviderRules, Queue,
    RetrySchedule, Rules, StatusQuery, Store, SystemClock, SystemEntropy, Throughput,
};

/// The lease is at least so many times the provider's time-out.
const TIMEOUTS_PER_LEASE: u32 = 4;
/// The shortest lease that is chosen by default.
const DEFAULT_LEASE: Duration = Duration::from_secs(60);

/// The shortest time that finished messages are kept: a client that heard nothing repeats its
/// request within some seconds, and must find the message of its idempotency key.
const SHORTEST_RETENTION: Duration = Duration::from_secs(60);

/// A provider with its settings.
#[derive(Debug, Clone)]
pub struct ProviderSetup {
    /// The provider.
    pub provider: Arc<dyn Provider>,
    /// How it is asked what became of a message, if it can be.
    pub query: Option<Arc<dyn StatusQuery>>,
    /// How many messages it takes in a time, over all processes; no limit if absent.
    pub throughput: Option<Throughput>,
    /// How many submissions one process has under way with it at most.
    pub concurrency: usize,
    /// How long after it took a message its report may come; more than nothing.
    pub report_window: Duration,
    /// For how long a worker answers for an attempt; at least four times the provider's
    /// time-out. 60 s or more if absent.
    pub lease: Option<Duration>,
}

impl ProviderSetup {
    /// A provider with default settings: 64 submissions at a time, no limit of throughput,
    /// reports within 24 hours.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>) -> Self {
        Self {
            provider,
            query: None,
            throughput: None,
            concurrency: 64,
            report_window: ProviderRules::default().report_window,
            lease: None,
        }
    }
}

impl<P: Provider + 'static> From<P> for ProviderSetup {
    fn from(provider: P) -> Self {
        Self::new(Arc::new(provider))
    }
}

/// An engine cannot be built so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// There is nobody to send messages.
    #[error("no provider: add one with EngineBuilder::provider")]
    NoProvider,
    /// Two providers share a name.
    #[error("two providers have the name {0}: give each its own")]
    SameName(ProviderName),
    /// A worker's right to an attempt could end before the provider's answer.
    #[error(
        "provider {provider}: its lease of {lease:?} is shorter than four times its time-out of {timeout:?}; make the lease longer or the time-out shorter"
    )]
    LeaseTooShort {
        /// Which provider.
        provider: ProviderName,
        /// Its lease.
        lease: Duration,
        /// Its time-out.
        timeout: Duration,
    },
    /// A setting of a provider makes no sense.
    #[error("provider {provider}: {setting}: {problem}")]
    InvalidProvider {
        /// Which provider.
        provider: ProviderName,
        /// Which of its settings.
        setting: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// A setting makes no sense.
    #[error("{setting}: {problem}")]
    Invalid {
        /// Which.
        setting: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
}

/// Puts an engine together.
#[derive(Debug)]
pub struct EngineBuilder {
    store: Arc<dyn Store>,
    queue: Arc<dyn Queue>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    limiter: Arc<dyn Limiter>,
    observer: Arc<dyn Observer>,
    rules: Rules,
    settings: Settings,
    providers: Vec<ProviderSetup>,
}

impl EngineBuilder {
    pub(super) fn new(store: Arc<dyn Store>, queue: Arc<dyn Queue>) -> Self {
        Self {
            store,
            queue,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            limiter: Arc::new(LocalLimiter::new()),
            observer: Arc::new(NoObserver),
            rules: Rules::default(),
            settings: Settings::default(),
            providers: Vec::new(),
        }
    }

    /// Adds a provider. The first one takes the messages that ask for none.
    #[must_use]
    pub fn provider(mut self, setup: impl Into<ProviderSetup>) -> Self {
        self.providers.push(setup.into());
        self
    }

    /// Tells the time; the operating system's clock if not set.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Gives random bits; the operating system's if not set.
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Keeps the throughput of providers over several processes; only this one if not set.
    #[must_use]
    pub fn limiter(mut self, limiter: Arc<dyn Limiter>) -> Self {
        self.limiter = limiter;
        self
    }

    /// Is told what the engine does.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// When to try again; as the older service did if not set.
    #[must_use]
    pub fn retry(mut self, schedule: RetrySchedule) -> Self {
        self.rules.retry = schedule;
        self
    }

    /// How long an unknown outcome may be settled by a report before a message's policy to
    /// submit again or to give up takes effect; 30 s if not set.
    #[must_use]
    pub fn confirm_window(mut self, window: Duration) -> Self {
        self.rules.confirm_window = window;
        self
    }

    /// How long sending may be tried where a message does not say, from 1 s to 7 days; 24 h if
    /// not set.
    #[must_use]
    pub fn default_validity(mut self, validity: Duration) -> Self {
        self.settings.default_validity = validity;
        self
    }

    /// Removes messages this long after they became final, a minute or more; they are kept for
    /// ever if not set.
    #[must_use]
    pub fn retention(mut self, age: Duration) -> Self {
        self.settings.retention = Some(age);
        self
    }

    /// The public address of the delivery server, such as `https://sms.example.com`, for
    /// providers that take a callback with each message; no callbacks if not set.
    #[must_use]
    pub fn callback_base(mut self, url: impl Into<String>) -> Self {
        self.settings.callback_base = Some(url.into());
        self
    }

    /// How often a watch looks for changes made by other processes; every second if not set.
    #[must_use]
    pub fn watch_interval(mut self, interval: Duration) -> Self {
        self.settings.watch_interval = interval;
        self
    }

    /// How often deadlines are looked at; four times a second if not set.
    #[must_use]
    pub fn sweep_interval(mut self, interval: Duration) -> Self {
        self.settings.sweep_interval = interval;
        self
    }

    /// Puts every queued message back in line at the start, the oldest first, instead of waiting
    /// for their deadlines: for a queue that forgets with the process, such as
    /// [`MemoryQueue`](crate::MemoryQueue), over a store that does not. Over a queue that forgets
    /// nothing it would name each of them a second time, so it is not the default.
    #[must_use]
    pub fn hint_all_at_start(mut self) -> Self {
        self.settings.hint_all_at_start = true;
        self
    }

    /// Builds the engine.
    ///
    /// # Errors
    /// [`BuildError`] when the parts do not fit together.
    pub fn build(mut self) -> Result<Engine, BuildError> {
        self.check_settings()?;
        let default_route = match self.providers.first() {
            Some(first) => first.provider.name().clone(),
            None => return Err(BuildError::NoProvider),
        };
        let mut routes = BTreeMap::new();
        for setup in std::mem::take(&mut self.providers) {
            let name = setup.provider.name().clone();
            let lease = checked_lease(&setup)?;
            self.rules.providers.insert(
                name.clone(),
                ProviderRules {
                    deduplicates: setup.provider.capabilities().deduplicates,
                    answers_queries: setup.query.is_some(),
                    report_window: setup.report_window,
                },
            );
            if routes
                .insert(name.clone(), Route::new(setup, lease))
                .is_some()
            {
                return Err(BuildError::SameName(name));
            }
        }
        let pulse = Arc::new(Pulse::default());
        let ids_per_hint = routes
            .iter()
            .map(|(name, route)| (name.clone(), route.at_once(hints::IDS_PER_HINT)))
            .collect();
        let hinting = Hinting {
            queue: Arc::clone(&self.queue),
            observer: Arc::clone(&self.observer),
            pulse: Arc::clone(&pulse),
            ids_per_hint,
        };
        let inner = Inner {
            writes: writes::Writes::new(&self.store),
            hints: Hinter::new(hinting),
            pulse,
            recent: recent::Recent::default(),
            watchers: watch::Watchers::default(),
            store: self.store,
            queue: self.queue,
            clock: self.clock,
            entropy: self.entropy,
            limiter: self.limiter,
            observer: self.observer,
            rules: self.rules,
            settings: self.settings,
            routes,
            default_route,
        };
        Ok(Engine {
            inner: Arc::new(inner),
        })
    }

    fn check_settings(&self) -> Result<(), BuildError> {
        let invalid = |setting, problem| Err(BuildError::Invalid { setting, problem });
        let Settings {
            default_validity,
            retention,
            ..
        } = self.settings;
        if !(SHORTEST_VALIDITY..=LONGEST_VALIDITY).contains(&default_validity) {
            return invalid("default_validity", "must be from 1 s to 7 days");
        }
        if retention.is_some_and(|age| age < SHORTEST_RETENTION) {
            let problem = "must be a minute or more: with a message goes what is known of its idempotency key";
            return invalid("retention", problem);
        }
        if self.settings.sweep_interval.is_zero() {
            return invalid("sweep_interval", "is 0: the sweep would never rest");
        }
        if self.settings.watch_interval.is_zero() {
            return invalid("watch_interval", "is 0: a watch would never rest");
        }
        self.providers.iter().try_for_each(check_provider)
    }
}

fn check_provider(setup: &ProviderSetup) -> Result<(), BuildError> {
    let invalid = |setting, problem| {
        Err(BuildError::InvalidProvider {
            provider: setup.provider.name().clone(),
            setting,
            problem,
        })
    };
    if setup.concurrency == 0 {
        return invalid("concurrency", "is 0: the provider would get nothing");
    }
    if setup.report_window.is_zero() {
        return invalid("report_window", "is 0: no report would be waited for");
    }
    Ok(())
}

fn checked_lease(setup: &ProviderSetup) -> Result<Duration, BuildError> {
    let timeout = setup.provider.capabilities().timeout;
    let least = timeout.saturating_mul(TIMEOUTS_PER_LEASE);
    let lease = setup.lease.unwrap_or(least.max(DEFAULT_LEASE));
    if lease < least {
        return Err(BuildError::LeaseTooShort {
            provider: setup.provider.name().clone(),
            lease,
            timeout,
        });
    }
    Ok(lease)
}
