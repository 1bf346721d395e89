//! What the server is told at its start.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::api_key::ApiKeys;

/// What the server is told at its start. Field names are those of the section `[grpc]` of the
/// configuration file.
#[derive(Debug, Clone)]
pub struct GrpcConfig {
    /// Where to listen. Port 0: any free port, see
    /// [`BoundServer::local_addr`](crate::BoundServer::local_addr).
    pub listen: SocketAddr,
    /// Certificate and key; plain text if absent.
    pub tls: Option<TlsFiles>,
    /// Who may call. Empty: whoever reaches the address, as the default tenant.
    pub api_keys: ApiKeys,
    /// Listens beyond loopback without TLS, for instance behind a proxy that has it. Numbers,
    /// texts and keys can then be read by whoever sees the traffic.
    pub dangerously_allow_plaintext_beyond_loopback: bool,
    /// Listens beyond loopback without API keys or client certificates. Whoever reaches the
    /// address can then send messages at the operator's cost and read those of others.
    pub dangerously_allow_unauthenticated_beyond_loopback: bool,
    /// Whether clients may ask for the proto files (`grpc.reflection`). Default: yes. Where there
    /// are keys, it needs one.
    pub reflection: bool,
    /// The largest request, in bytes. Default: 4 MiB, which is what gRPC clients expect; a
    /// thousand messages of ten segments fit in.
    pub max_message_bytes: usize,
    /// How many calls may be worked on at once; more are refused with `RESOURCE_EXHAUSTED`.
    /// Default: 10,000.
    pub max_concurrent_calls: usize,
    /// How many messages may be watched at once; more are refused likewise. Default: 10,000.
    pub max_watches: usize,
    /// How many connections may be open at once; more wait to be accepted. Default: 4,096.
    pub max_connections: usize,
    /// How many calls one connection may have open; its client holds back more. Default: 1,000.
    pub max_streams_per_connection: u32,
    /// How long connections may take to end their calls once the server shuts down, before they
    /// are cut. Default: 10 s.
    pub shutdown_grace: Duration,
}

/// The files for TLS, in PEM form. Read once, when the server takes its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate, followed by those that vouch for it.
    pub cert: PathBuf,
    /// The private key of the certificate (PKCS #8, PKCS #1 or SEC 1).
    pub key: PathBuf,
    /// Certificates of which one must have issued that of each client. Absent: clients need none.
    pub client_ca: Option<PathBuf>,
}

impl GrpcConfig {
    /// The defaults, listening here.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            tls: None,
            api_keys: ApiKeys::default(),
            dangerously_allow_plaintext_beyond_loopback: false,
            dangerously_allow_unauthenticated_beyond_loopback: false,
            reflection: true,
            max_message_bytes: 4 * 1024 * 1024,
            max_concurrent_calls: 10_000,
            max_watches: 10_000,
            max_connections: 4_096,
            max_streams_per_connection: 1_000,
            shutdown_grace: Duration::from_secs(10),
        }
    }

    /// Whether a caller has to prove who they are.
    pub(crate) fn authenticates(&self) -> bool {
        let client_ca = self.tls.as_ref().and_then(|tls| tls.client_ca.as_ref());
        !self.api_keys.is_empty() || client_ca.is_some()
    }

    /// Whether only this machine can reach the address. The unspecified address is reached from
    /// everywhere.
    pub(crate) fn is_loopback(&self) -> bool {
        self.listen.ip().to_canonical().is_loopback()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_loopback() {
        for (address, expected) in [
            ("127.0.0.1:1", true),
            ("127.9.9.9:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false),
            ("192.168.1.1:1", false),
            ("[::ffff:10.0.0.1]:1", false),
        ] {
            let config = GrpcConfig::new(address.parse().unwrap());
            assert_eq!(config.is_loopback(), expected, "{address}");
        }
    }
}
