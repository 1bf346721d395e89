//! Getting a connection to the broker.

use std::future::Future;
use std::time::Duration;

use lapin::tcp::{AMQPUriTcpExt, OwnedTLSConfig};
use lapin::{Connection, ConnectionProperties};
use tokio::time::timeout;

use crate::address::Address;
use crate::error::Fault;
use crate::options::Options;

/// How long the broker's host has to take a connection, TLS included.
const DIALING: Duration = Duration::from_secs(5);
/// How long the broker has to let us in. An attempt that is given up keeps a thread of the client
/// library busy until the broker speaks again, so it is not given up lightly.
const HANDSHAKE: Duration = Duration::from_secs(20);

pub(crate) async fn dial(
    address: &Address,
    options: &Options,
    purpose: &str,
) -> Result<Connection, Fault> {
    let name = format!("{} ({purpose})", options.connection_name);
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let authorities = options.ca_certificates.clone();
    let runtime = lapin::runtime::default_runtime()?;
    let connecting = Connection::connector(
        address.uri(),
        runtime,
        async move |uri, runtime| {
            let tls = OwnedTLSConfig {
                cert_chain: authorities.clone(),
                ..OwnedTLSConfig::default()
            };
            let dialing = uri.connect_with_config_async(tls.as_ref(), &runtime);
            timeout(DIALING, dialing)
                .await
                .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
                .map_err(lapin::Error::from)
        },
        properties,
    );
    // Boxed: the client library's future is a large one.
    within(HANDSHAKE, Box::pin(async { Ok(connecting.await?) })).await
}

/// Why a channel or a connection is closed, there being no fault: "success", AMQP 0-9-1.
pub(crate) const DONE: u16 = 200;

/// Fails what takes too long.
pub(crate) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    timeout(limit, work)
        .await
        .unwrap_or(Err(Fault::TimedOut(limit)))
}
