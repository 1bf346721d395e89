//! The configuration, section by section. `default.toml` says what each key means.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sms_core::{ProviderName, Secret, TenantId, duration};
use sms_delivery_http::DeliveryConfig;

use super::keep::Keep;
use super::provider::ProviderSection;

/// Everything that can be configured.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) store: String,
    pub(crate) queue: String,
    pub(crate) grpc: Grpc,
    pub(crate) delivery: DeliveryConfig,
    pub(crate) admin: Admin,
    pub(crate) messages: Messages,
    pub(crate) retry: Retry,
    pub(crate) http: Http,
    pub(crate) startup: Startup,
    pub(crate) drain: Drain,
    pub(crate) log: Log,
    pub(crate) runtime: Runtime,
    pub(crate) api_key: Vec<ApiKeySection>,
    /// Read apart, because the keys of a provider depend on its kind.
    #[serde(skip_deserializing)]
    pub(crate) provider: Vec<ProviderSection>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            store: "sqlite:./data/sms.db".into(),
            queue: "memory:".into(),
            grpc: Grpc::default(),
            delivery: DeliveryConfig::default(),
            admin: Admin::default(),
            messages: Messages::default(),
            retry: Retry::default(),
            http: Http::default(),
            startup: Startup::default(),
            drain: Drain::default(),
            log: Log::default(),
            runtime: Runtime::default(),
            api_key: Vec::new(),
            provider: Vec::new(),
        }
    }
}

/// The section `grpc`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Grpc {
    pub(crate) listen: SocketAddr,
    pub(crate) dangerously_allow_plaintext_beyond_loopback: bool,
    pub(crate) dangerously_allow_unauthenticated_beyond_loopback: bool,
    pub(crate) reflection: bool,
    pub(crate) max_message_bytes: usize,
    pub(crate) max_concurrent_calls: usize,
    pub(crate) max_watches: usize,
    pub(crate) max_connections: usize,
    pub(crate) max_streams_per_connection: u32,
    #[serde(with = "duration")]
    pub(crate) shutdown_grace: Duration,
    pub(crate) tls: Option<Tls>,
}

impl Default for Grpc {
    /// As the server in `sms-grpc` has them.
    fn default() -> Self {
        let config = sms_grpc::GrpcConfig::new(loopback(50051));
        Self {
            listen: config.listen,
            dangerously_allow_plaintext_beyond_loopback: false,
            dangerously_allow_unauthenticated_beyond_loopback: false,
            reflection: config.reflection,
            max_message_bytes: config.max_message_bytes,
            max_concurrent_calls: config.max_concurrent_calls,
            max_watches: config.max_watches,
            max_connections: config.max_connections,
            max_streams_per_connection: config.max_streams_per_connection,
            shutdown_grace: config.shutdown_grace,
            tls: None,
        }
    }
}

/// The section `grpc.tls`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) client_ca: Option<PathBuf>,
}

/// The section `admin`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Admin {
    pub(crate) listen: SocketAddr,
    pub(crate) dangerously_allow_unauthenticated_beyond_loopback: bool,
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            listen: loopback(9464),
            dangerously_allow_unauthenticated_beyond_loopback: false,
        }
    }
}

/// The section `messages`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Messages {
    #[serde(with = "duration")]
    pub(crate) validity: Duration,
    pub(crate) retention: Keep,
    #[serde(with = "duration")]
    pub(crate) confirm_window: Duration,
}

impl Default for Messages {
    fn default() -> Self {
        Self {
            validity: Duration::from_secs(24 * 3_600),
            retention: Keep::For(Duration::from_secs(30 * 86_400)),
            confirm_window: Duration::from_secs(30),
        }
    }
}

/// The section `retry`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Retry {
    #[serde(with = "duration")]
    pub(crate) base: Duration,
    #[serde(with = "duration")]
    pub(crate) cap: Duration,
    pub(crate) max_retries: u32,
    pub(crate) jitter: bool,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(5),
            cap: Duration::from_secs(600),
            max_retries: 11,
            jitter: true,
        }
    }
}

/// The section `http`: how providers are connected to.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Http {
    #[serde(with = "duration")]
    pub(crate) connect_timeout: Duration,
    #[serde(with = "duration")]
    pub(crate) idle_timeout: Duration,
    pub(crate) proxy: Option<Secret>,
    pub(crate) extra_roots: Option<PathBuf>,
}

impl Default for Http {
    /// As the client in `sms-provider-http` has them.
    fn default() -> Self {
        let settings = sms_provider_http::HttpSettings::default();
        Self {
            connect_timeout: settings.connect_timeout,
            idle_timeout: settings.idle_timeout,
            proxy: None,
            extra_roots: None,
        }
    }
}

/// The section `startup`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Startup {
    #[serde(with = "duration")]
    pub(crate) store_timeout: Duration,
}

impl Default for Startup {
    fn default() -> Self {
        Self {
            store_timeout: Duration::from_secs(60),
        }
    }
}

/// The section `drain`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Drain {
    #[serde(with = "duration")]
    pub(crate) delay: Duration,
    #[serde(with = "duration::option")]
    pub(crate) timeout: Option<Duration>,
}

/// The section `log`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    pub(crate) level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: "info".into(),
        }
    }
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// The section `runtime`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Runtime {
    /// 0: as many as suit this machine.
    pub(crate) worker_threads: usize,
}

/// One `[[api_key]]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiKeySection {
    pub(crate) name: String,
    pub(crate) hash: String,
    #[serde(default)]
    pub(crate) tenant: TenantId,
    #[serde(default = "all_scopes")]
    pub(crate) scopes: Vec<String>,
}

fn all_scopes() -> Vec<String> {
    vec!["send".into(), "read".into()]
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

impl Config {
    /// An example in which every key has a value, to learn the keys and their kinds from.
    pub(super) fn complete() -> Self {
        let path = || Some(PathBuf::new());
        let mut config = Self::default();
        config.grpc.tls = Some(Tls {
            cert: PathBuf::new(),
            key: PathBuf::new(),
            client_ca: path(),
        });
        config.delivery.legacy_provider = "main".parse::<ProviderName>().ok();
        config.http.proxy = Some(Secret::new(""));
        config.http.extra_roots = path();
        config.drain.timeout = Some(Duration::ZERO);
        config.api_key = vec![ApiKeySection {
            name: String::new(),
            hash: String::new(),
            tenant: TenantId::default(),
            scopes: all_scopes(),
        }];
        config.provider = vec![ProviderSection::complete()];
        config
    }
}
