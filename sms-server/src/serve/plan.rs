//! From a configuration to what the parts of the server are told.

use sms_core::{Jitter, RetrySchedule, ScheduleError};
use sms_delivery_http::DeliveryConfig;
use sms_grpc::{ApiKey, ApiKeys, GrpcConfig, TlsFiles};
use sms_provider_http::HttpSettings;

use super::threads;
use crate::backends::{self, Backend, OpenQueue, OpenStore};
use crate::config::{Config, Loaded, Problem};
use crate::log;

/// What the parts of the server are told. Making it is the check of the configuration, apart from
/// what a part checks itself.
pub(crate) struct Plan {
    pub(crate) store: Backend<OpenStore>,
    pub(crate) queue: Backend<OpenQueue>,
    pub(crate) grpc: GrpcConfig,
    pub(crate) delivery: DeliveryConfig,
    pub(crate) http: HttpSettings,
    pub(crate) retry: RetrySchedule,
}

impl Plan {
    /// Checks the configuration, section by section.
    pub(crate) fn of(loaded: &Loaded) -> Result<Self, Problem> {
        let config = &loaded.config;
        log::filter(&config.log.level).map_err(|words| loaded.problem("log.level", words))?;
        check_admin(loaded)?;
        threads::wanted(loaded)?;
        Ok(Self {
            store: backends::store(&config.store).map_err(|w| loaded.problem("store", w))?,
            queue: backends::queue(&config.queue).map_err(|w| loaded.problem("queue", w))?,
            grpc: grpc(config, api_keys(loaded)?),
            delivery: delivery(loaded)?,
            http: http(loaded)?,
            retry: retry(loaded)?,
        })
    }
}

fn check_admin(loaded: &Loaded) -> Result<(), Problem> {
    let admin = &loaded.config.admin;
    let loopback = admin.listen.ip().to_canonical().is_loopback();
    if loopback || admin.dangerously_allow_unauthenticated_beyond_loopback {
        return Ok(());
    }
    let words = format!(
        "{} is reached from other machines, and there is no authentication: listen on 127.0.0.1, \
         or set admin.dangerously_allow_unauthenticated_beyond_loopback",
        admin.listen
    );
    Err(loaded.problem("admin.listen", words))
}

fn grpc(config: &Config, api_keys: ApiKeys) -> GrpcConfig {
    let grpc = &config.grpc;
    GrpcConfig {
        listen: grpc.listen,
        tls: grpc.tls.as_ref().map(|tls| TlsFiles {
            cert: tls.cert.clone(),
            key: tls.key.clone(),
            client_ca: tls.client_ca.clone(),
        }),
        api_keys,
        dangerously_allow_plaintext_beyond_loopback: grpc
            .dangerously_allow_plaintext_beyond_loopback,
        dangerously_allow_unauthenticated_beyond_loopback: grpc
            .dangerously_allow_unauthenticated_beyond_loopback,
        reflection: grpc.reflection,
        max_message_bytes: grpc.max_message_bytes,
        max_concurrent_calls: grpc.max_concurrent_calls,
        max_watches: grpc.max_watches,
        max_connections: grpc.max_connections,
        max_streams_per_connection: grpc.max_streams_per_connection,
        shutdown_grace: grpc.shutdown_grace,
    }
}

fn api_keys(loaded: &Loaded) -> Result<ApiKeys, Problem> {
    let mut keys = Vec::new();
    for (at, section) in loaded.config.api_key.iter().enumerate() {
        let problem =
            |key: &str, words: String| loaded.problem(&format!("api_key.{at}.{key}"), words);
        let hash = section.hash.parse();
        let scopes = section.scopes.iter().map(|scope| scope.parse());
        keys.push(ApiKey {
            name: section.name.clone(),
            tenant: section.tenant.clone(),
            hash: hash
                .map_err(|error: sms_grpc::KeyHashError| problem("hash", error.to_string()))?,
            scopes: scopes
                .collect::<Result<_, sms_grpc::ScopeError>>()
                .map_err(|error| problem("scopes", error.to_string()))?,
        });
    }
    Ok(ApiKeys::new(keys))
}

fn delivery(loaded: &Loaded) -> Result<DeliveryConfig, Problem> {
    let mut delivery = loaded.config.delivery.clone();
    if let Some(name) = &delivery.legacy_provider {
        let providers = &loaded.config.provider;
        if !providers
            .iter()
            .any(|provider| provider.common.name == *name)
        {
            let words = format!("there is no [[provider]] of the name {name}");
            return Err(loaded.problem("delivery.legacy_provider", words));
        }
    }
    if !loaded.is_given("delivery.public_url") {
        if delivery.listen.ip().is_unspecified() {
            let words = format!(
                "is missing: providers cannot post reports to {}; set the address at which they \
                 reach this server",
                delivery.listen
            );
            return Err(loaded.problem("delivery.public_url", words));
        }
        delivery.public_url = format!("http://{}", delivery.listen);
    }
    Ok(delivery)
}

fn http(loaded: &Loaded) -> Result<HttpSettings, Problem> {
    let http = &loaded.config.http;
    let read = |path: &std::path::PathBuf| {
        std::fs::read_to_string(path).map_err(|error| {
            let words = format!("{} cannot be read: {error}", path.display());
            loaded.problem("http.extra_roots", words)
        })
    };
    Ok(HttpSettings {
        connect_timeout: http.connect_timeout,
        idle_timeout: http.idle_timeout,
        proxy: http.proxy.clone(),
        extra_roots_pem: http.extra_roots.as_ref().map(read).transpose()?,
    })
}

fn retry(loaded: &Loaded) -> Result<RetrySchedule, Problem> {
    let retry = &loaded.config.retry;
    let jitter = if retry.jitter {
        Jitter::Full
    } else {
        Jitter::None
    };
    RetrySchedule::new(retry.base, retry.cap, retry.max_retries, jitter).map_err(|error| {
        let key = match error {
            ScheduleError::CapBelowBase => "retry.cap",
            _ => "retry.base",
        };
        loaded.problem(key, error.to_string())
    })
}
