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
    /// There is nobody whose reports could come.
    #[error("no provider reports to this server: configure one, or set delivery.legacy_provider")]
    NoProvider,
}
