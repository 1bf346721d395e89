//! What the delivery server is told before it starts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sms_core::{ProviderName, duration};

use crate::network;
use crate::{BindError, SourceRules};

/// Configuration of the delivery server: the section `delivery`. Every field has a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliveryConfig {
    /// Where to listen: `127.0.0.1:8000` unless set.
    pub listen: SocketAddr,
    /// The address that providers know this server by, without a path of ours. Some sign it, so
    /// it is never taken from a request.
    pub public_url: String,
    /// Sources of reports that carry neither a signature nor a token: this machine unless set.
    #[serde(with = "network::list")]
    pub allow: Vec<ipnet::IpNet>,
    /// Our own reverse proxies, whose `X-Forwarded-For` or `Forwarded` is believed.
    #[serde(with = "network::list")]
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// Takes such reports from anybody, whatever `allow` says. Whoever knows or guesses an id can
    /// then report what they like of its message.
    pub dangerously_accept_any_source: bool,
    /// Whose reports come to the plain `/callback`. Unless set, that is the provider that each
    /// message was last given to.
    pub legacy_provider: Option<ProviderName>,
    /// The longest body that is read, in bytes: 256 KiB unless set, several times the largest
    /// batch of reports that a known provider posts.
    pub max_body: usize,
    /// How long a request may take to name itself, and how long an idle connection is kept:
    /// 15 s unless set.
    #[serde(with = "duration")]
    pub header_timeout: Duration,
    /// How long a body may take to come in: 10 s unless set.
    #[serde(with = "duration")]
    pub body_timeout: Duration,
    /// How long the store may take before the provider is asked to come again: 10 s unless set,
    /// because the least patient known provider that says so hangs up after 15 s.
    #[serde(with = "duration")]
    pub store_timeout: Duration,
    /// How many requests are worked on at once: 1,024 unless set. The next ones are asked to come
    /// again.
    pub max_requests: NonZeroUsize,
    /// How many connections are open at once: 4,096 unless set. The next ones wait.
    pub max_connections: NonZeroUsize,
}

const MAX_REQUESTS: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");
const MAX_CONNECTIONS: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");

impl Default for DeliveryConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8000),
            public_url: "http://127.0.0.1:8000".into(),
            allow: network::loopback(),
            trusted_proxies: Vec::new(),
            dangerously_accept_any_source: false,
            legacy_provider: None,
            max_body: 256 * 1024,
            header_timeout: Duration::from_secs(15),
            body_timeout: Duration::from_secs(10),
            store_timeout: Duration::from_secs(10),
            max_requests: MAX_REQUESTS,
            max_connections: MAX_CONNECTIONS,
        }
    }
}

impl DeliveryConfig {
    /// The part that says whose reports are taken.
    #[must_use]
    pub fn source_rules(&self) -> SourceRules {
        SourceRules {
            allow: self.allow.clone(),
            trusted_proxies: self.trusted_proxies.clone(),
        }
    }

    /// Refuses what cannot be meant.
    pub(crate) fn check(&self) -> Result<(), BindError> {
        let public = ["http://", "https://"]
            .iter()
            .filter_map(|scheme| self.public_url.strip_prefix(scheme))
            .any(|rest| !rest.is_empty() && !rest.starts_with('/') && !rest.contains(['?', '#']));
        if !public {
            return Err(BindError::PublicUrl);
        }
        for (key, value) in self.timeouts() {
            if value.is_zero() {
                return Err(BindError::ZeroTimeout { key });
            }
        }
        self.check_exposure()
    }

    fn timeouts(&self) -> [(&'static str, Duration); 3] {
        [
            ("delivery.header_timeout", self.header_timeout),
            ("delivery.body_timeout", self.body_timeout),
            ("delivery.store_timeout", self.store_timeout),
        ]
    }

    fn check_exposure(&self) -> Result<(), BindError> {
        let reachable = !self.listen.ip().to_canonical().is_loopback();
        let unguarded = self.allow.is_empty() || self.source_rules().allows_everyone();
        if reachable && unguarded && !self.dangerously_accept_any_source {
            return Err(BindError::Unguarded {
                listen: self.listen,
            });
        }
        Ok(())
    }
}
