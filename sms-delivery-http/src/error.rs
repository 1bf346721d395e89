//! Why the server does not start.

use std::io;
use std::net::SocketAddr;

/// The delivery server cannot start. Each says which key of the configuration to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The address cannot be listened on.
    #[error("cannot listen on {listen} (delivery.listen): {source}")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// The server would be within reach of others with nothing to tell who may report.
    #[error(
        "delivery.listen {listen} is within reach of other machines, but delivery.allow is empty \
         or holds every address: list the networks of the providers in delivery.allow, or set \
         delivery.dangerously_accept_any_source"
    )]
    Unguarded {
        /// The address.
        listen: SocketAddr,
    },
    /// A reverse proxy on this machine would lend its address to everybody.
    #[error(
        "delivery.public_url is not on this machine while delivery.listen {listen} is, so a proxy \
         passes reports on; all of them come from this machine then, whose address delivery.allow \
         holds, and anybody could report: name the proxy in delivery.trusted_proxies, for instance \
         [\"127.0.0.1\", \"::1\"], and let it append X-Forwarded-For; or, if it cannot do so, set \
         delivery.allow = [], which takes only reports with a token or a signature"
    )]
    BehindProxy {
        /// The address.
        listen: SocketAddr,
    },
    /// Anybody could choose the address that counts.
    #[error(
        "delivery.trusted_proxies holds every address, so that whoever sends X-Forwarded-For is \
         whoever they like: list the addresses of your own proxies"
    )]
    TrustsEveryone,
    /// The public address is not one.
    #[error(
        "delivery.public_url is not the address of a server: write for instance https://sms.example.com"
    )]
    PublicUrl,
    /// A time that would be over at once.
    #[error("{key} is zero: nothing could be done in no time")]
    ZeroTimeout {
        /// The key.
        key: &'static str,
    },
    /// A time that nobody waits for.
    #[error("{key} is longer than an hour; nobody waits so long for an answer")]
    LongTimeout {
        /// The key.
        key: &'static str,
    },
    /// More than any system has.
    #[error("{key} is more than 1000000, which is more than a system has connections")]
    TooMany {
        /// The key.
        key: &'static str,
    },
    /// There is nobody whose reports could come.
    #[error("no provider reports to this server: configure one, or set delivery.legacy_provider")]
    NoProvider,
}
