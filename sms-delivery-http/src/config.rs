//! What the delivery server is told before it starts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
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
    /// How long an answer may wait for its client to take it: 10 s unless set, many times what a
    /// client takes that reads at all.
    #[serde(with = "duration")]
    pub write_timeout: Duration,
    /// How many requests are worked on at once: 1,024 unless set. The next ones are asked to come
    /// again.
    pub max_requests: NonZeroUsize,
    /// How many connections are open at once: 4,096 unless set. The next ones wait.
    pub max_connections: NonZeroUsize,
    /// How many of them one source may have, which is an address of IPv4 or a /64 network of
    /// IPv6: 1,024 unless set, a quarter of all. More are closed at once. `trusted_proxies` have
    /// no such limit.
    pub max_connections_per_source: NonZeroUsize,
}

const MAX_REQUESTS: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");
const MAX_CONNECTIONS: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");
const MAX_CONNECTIONS_PER_SOURCE: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");
/// The most that can be meant by a number of requests or connections: more than a system has
/// files for, and far from what a semaphore counts to.
const MOST_AT_ONCE: usize = 1_000_000;
/// The longest that can be meant by a time-out: nobody waits for an answer any longer.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(3_600);

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
            write_timeout: Duration::from_secs(10),
            max_requests: MAX_REQUESTS,
            max_connections: MAX_CONNECTIONS,
            max_connections_per_source: MAX_CONNECTIONS_PER_SOURCE,
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

    /// The longest that a request takes from the end of its head: its token is looked up, its
    /// body comes in, its reports are stored.
    pub(crate) fn longest_request(&self) -> Duration {
        self.body_timeout + 2 * self.store_timeout
    }

    /// Refuses what cannot be meant.
    pub(crate) fn check(&self) -> Result<(), BindError> {
        if self.public_host().is_none() {
            return Err(BindError::PublicUrl);
        }
        self.check_bounds()?;
        if self.source_rules().trusts_everyone() {
            return Err(BindError::TrustsEveryone);
        }
        self.check_exposure()
    }

    /// The host of the public address, without its port.
    fn public_host(&self) -> Option<&str> {
        let rest = ["http://", "https://"]
            .iter()
            .find_map(|scheme| self.public_url.strip_prefix(scheme))
            .filter(|rest| !rest.contains(['?', '#']))?;
        let authority = rest.split('/').next()?.rsplit('@').next()?;
        let host = match authority.strip_prefix('[') {
            Some(v6) => v6.split(']').next()?,
            None => authority.split(':').next()?,
        };
        Some(host).filter(|host| !host.is_empty())
    }

    fn check_bounds(&self) -> Result<(), BindError> {
        for (key, value) in [
            ("delivery.header_timeout", self.header_timeout),
            ("delivery.body_timeout", self.body_timeout),
            ("delivery.store_timeout", self.store_timeout),
            ("delivery.write_timeout", self.write_timeout),
        ] {
            if value.is_zero() {
                return Err(BindError::ZeroTimeout { key });
            }
            if value > LONGEST_TIMEOUT {
                return Err(BindError::LongTimeout { key });
            }
        }
        for (key, value) in [
            ("delivery.max_requests", self.max_requests),
            ("delivery.max_connections", self.max_connections),
        ] {
            if value.get() > MOST_AT_ONCE {
                return Err(BindError::TooMany { key });
            }
        }
        Ok(())
    }

    fn check_exposure(&self) -> Result<(), BindError> {
        if self.dangerously_accept_any_source {
            return Ok(());
        }
        let listen = self.listen;
        let reachable = !is_loopback(listen.ip());
        let unguarded = self.allow.is_empty() || self.source_rules().allows_everyone();
        if reachable && unguarded {
            return Err(BindError::Unguarded { listen });
        }
        if !reachable && self.takes_a_proxy_for(listen.ip()) {
            return Err(BindError::BehindProxy { listen });
        }
        Ok(())
    }

    /// Whether reports of anybody would be taken if a proxy on this machine, which is not named,
    /// passed them on to this address of the machine: all of them come from there, and `allow`
    /// holds it.
    fn takes_a_proxy_for(&self, local: IpAddr) -> bool {
        let sources = self.source_rules();
        let public = self.public_host().is_some_and(|host| !is_here(host));
        public && sources.allows(local) && !sources.trusts(local)
    }

    /// Whether a proxy on this machine would open the server to everybody, although it need not
    /// be there. TLS is none of ours, so before a public address with `https` there is a proxy
    /// somewhere; it may reach by loopback what listens to all.
    pub(crate) fn is_open_to_a_local_proxy(&self) -> bool {
        const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
        const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
        // What listens to all of IPv6 usually takes IPv4, too.
        let locals = match self.listen.ip() {
            IpAddr::V4(_) => &[V4][..],
            IpAddr::V6(_) => &[V4, V6],
        };
        self.listen.ip().is_unspecified()
            && self.public_url.starts_with("https://")
            && !self.dangerously_accept_any_source
            && locals.iter().any(|local| self.takes_a_proxy_for(*local))
    }
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Whether a host of a URL is this machine, and nothing that others could call.
fn is_here(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost") || host.parse().is_ok_and(is_loopback)
}
