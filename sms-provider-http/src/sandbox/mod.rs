//! A provider to try things with: a real HTTP server that speaks MegaFon's dialect.
//!
//! It takes messages, takes each reference once, and posts delivery reports to the callback URL
//! a second or two later. It sends nothing to any phone. On demand it misbehaves, in the ways in
//! which providers do: see [`Behaviour`], or write one of the words of [`Behaviour::of_text`]
//! into a message's text.

mod behaviour;
mod dialect;
mod ledger;
mod reporter;
mod server;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sms_core::{ProviderName, Secret, SenderId};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use behaviour::{Behaviour, PlannedReport, Response, When};
pub use ledger::{Record, Totals};

use crate::kinds::{Built, Kind};
use crate::megafon::{self, MegafonConfig};
use crate::{ConfigError, HttpClient, HttpSettings, Settings};
use behaviour::Script;
use ledger::Ledger;

/// How a sandbox is set up.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// Where it listens. Default: loopback, a free port.
    pub listen: SocketAddr,
    /// How long after taking a message it reports, drawn evenly. Default: 1 to 2 s.
    pub report_delay: RangeInclusive<Duration>,
    /// How many messages it remembers; the oldest is forgotten first. Default: 100 000.
    pub remember: usize,
    /// Whether it takes a reference once only. Default: yes, as MegaFon does.
    pub deduplicates: bool,
    /// The login it asks for. Default: `sandbox`.
    pub login: String,
    /// The password it asks for. Default: `sandbox`.
    pub password: Secret,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            report_delay: Duration::from_secs(1)..=Duration::from_secs(2),
            remember: 100_000,
            deduplicates: true,
            login: "sandbox".to_owned(),
            password: "sandbox".into(),
        }
    }
}

/// A sandbox could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// Its address is taken or not ours.
    #[error("the sandbox cannot listen on {listen}; choose another address")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The client that posts reports could not be made.
    #[error("the sandbox cannot post reports")]
    Client(#[from] ConfigError),
}

/// A running sandbox. Dropping it stops it: reports that are not posted yet are not posted.
#[derive(Debug)]
pub struct Sandbox {
    addr: SocketAddr,
    shared: Arc<Shared>,
    _stop: DropGuard,
}

/// What the server's tasks share.
struct Shared {
    config: SandboxConfig,
    client: HttpClient,
    ledger: Mutex<Ledger>,
    script: Mutex<Script>,
    stop: CancellationToken,
}

impl Sandbox {
    /// Starts a sandbox. Its tasks run on the runtime that this is called on.
    ///
    /// # Errors
    /// [`SandboxError`] when it cannot listen.
    pub async fn start(config: SandboxConfig) -> Result<Self, SandboxError> {
        let listen = config.listen;
        let refused = |source| SandboxError::Listen { listen, source };
        let listener = TcpListener::bind(listen).await.map_err(refused)?;
        let addr = listener.local_addr().map_err(refused)?;
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            client: HttpClient::new(&HttpSettings::default())?,
            ledger: Mutex::new(Ledger::new(config.remember)),
            script: Mutex::default(),
            stop: stop.clone(),
            config,
        });
        shared.spawn(server::serve(listener, Arc::clone(&shared)));
        Ok(Self {
            addr,
            shared,
            _stop: stop.drop_guard(),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where messages are posted.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{}", self.addr, dialect::PATH)
    }

    /// How it behaves from now on, whatever the texts say; `None` makes it listen to them again.
    pub fn set_behaviour(&self, behaviour: Option<Behaviour>) {
        self.shared.script().always = behaviour;
    }

    /// How it behaves towards the next requests, one each, before anything else counts.
    pub fn behave_next(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.shared.script().next.extend(behaviours);
    }

    /// What it knows of a message, by the reference it was submitted under.
    #[must_use]
    pub fn record(&self, reference: &str) -> Option<Record> {
        self.shared.ledger().record(reference)
    }

    /// How often it took the message of this reference: more than once is a duplicate.
    #[must_use]
    pub fn taken(&self, reference: &str) -> u64 {
        self.record(reference).map_or(0, |record| record.takings)
    }

    /// What it has done since it was started.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.shared.ledger().totals()
    }

    /// The configuration of a provider that hands its messages to this sandbox.
    #[must_use]
    pub fn provider_config(&self, from: SenderId) -> MegafonConfig {
        provider_config(self.url(), from, &self.shared.config)
    }
}

/// The port "discard": nothing is ever posted there.
const NOWHERE: &str = "http://127.0.0.1:9/";

fn provider_config(url: String, from: SenderId, sandbox: &SandboxConfig) -> MegafonConfig {
    MegafonConfig {
        url,
        from,
        login: sandbox.login.clone(),
        password: sandbox.password.clone(),
        timeout: Duration::from_secs(10),
    }
}

/// A provider that hands its messages to the sandbox: the `megafon` adapter pointed at it, so
/// that a first message already goes the whole way.
///
/// # Errors
/// [`ConfigError`] when the client's connect time-out is 10 s or longer.
pub fn provider(
    sandbox: &Sandbox,
    name: ProviderName,
    client: &HttpClient,
) -> Result<Built, ConfigError> {
    let from = SenderId::parse("Sandbox")
        .map_err(|problem| ConfigError::new("from", problem.to_string()))?;
    megafon::build(name, &sandbox.provider_config(from), client.clone())
}

/// `kind = "sandbox"`: takes no keys but `from`. Give it to [`Kinds::with`](crate::Kinds::with).
#[derive(Debug)]
pub struct SandboxKind {
    config: MegafonConfig,
    client: HttpClient,
}

/// `kind = "sandbox"` as it stands in the configuration.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct SandboxSection {
    from: Option<SenderId>,
    #[serde(default, with = "sms_core::duration::option")]
    timeout: Option<Duration>,
}

impl SandboxKind {
    /// Providers of this kind hand their messages to `sandbox`.
    #[must_use]
    pub fn new(sandbox: &Sandbox, from: SenderId, client: &HttpClient) -> Self {
        Self {
            config: sandbox.provider_config(from),
            client: client.clone(),
        }
    }

    /// The same for a process that submits nothing itself: it accepts messages, or reads the
    /// reports of sandboxes that other processes run.
    #[must_use]
    pub fn elsewhere(from: SenderId, client: &HttpClient) -> Self {
        let usual = SandboxConfig::default();
        Self {
            config: provider_config(NOWHERE.to_owned(), from, &usual),
            client: client.clone(),
        }
    }
}

impl Kind for SandboxKind {
    fn build(&self, name: ProviderName, settings: Settings) -> Result<Built, ConfigError> {
        let section: SandboxSection = settings.read()?;
        let config = MegafonConfig {
            from: section.from.unwrap_or(self.config.from),
            timeout: section.timeout.unwrap_or(self.config.timeout),
            ..self.config.clone()
        };
        megafon::build(name, &config, self.client.clone())
    }
}

impl Shared {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a task until it is done or the sandbox is dropped.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        tokio::spawn(async move {
            stop.run_until_cancelled_owned(task).await;
        });
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
