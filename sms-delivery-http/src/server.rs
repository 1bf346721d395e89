//! Listening, and serving each connection.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use sms_core::Engine;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use crate::path::Decoders;
use crate::receiver::Receiver;
use crate::share::{Share, Shares};
use crate::write_limit::WriteLimit;
use crate::{BindError, DeliveryConfig};

/// The longest request line and headers together, in bytes: what reverse proxies pass by default.
const MAX_HEADER: usize = 16 * 1024;
/// How much of a connection is buffered, in bytes: a batch of reports in a few reads.
const BUFFER: usize = 64 * 1024;
/// How long to wait when the system has no more connections to give.
const OUT_OF_CONNECTIONS: Duration = Duration::from_millis(250);

/// The server that takes delivery reports.
#[derive(Debug)]
pub struct DeliveryServer;

/// A server that has its address and is ready to [serve](Bound::serve).
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    http: http1::Builder,
    receiver: Arc<Receiver>,
    slots: Arc<Semaphore>,
    shares: Shares,
    write_timeout: Duration,
    /// How long requests may go on after the end has been asked for.
    grace: Duration,
}

/// A place among all connections, and among those of its source.
type Place = (Option<OwnedSemaphorePermit>, Share);

impl DeliveryServer {
    /// Checks the configuration and takes hold of the address. From here on connections wait to
    /// be served.
    ///
    /// `decoders` read the reports of each provider.
    ///
    /// # Errors
    /// [`BindError`] when the configuration cannot be meant, or the address is not to be had.
    pub async fn bind(
        config: DeliveryConfig,
        engine: Engine,
        decoders: Decoders,
    ) -> Result<Bound, BindError> {
        config.check()?;
        if decoders.is_empty() && config.legacy_provider.is_none() {
            return Err(BindError::NoProvider);
        }
        if config.dangerously_accept_any_source {
            tracing::warn!(
                "delivery.dangerously_accept_any_source is set: anybody who can connect may report"
            );
        }
        if config.is_open_to_a_local_proxy() {
            tracing::warn!(
                "delivery.allow holds loopback, but delivery.public_url is https, so a proxy \
                 stands before this server: if it runs on this machine, anybody may report. Name \
                 it in delivery.trusted_proxies, and the providers' networks in delivery.allow"
            );
        }
        let listen = config.listen;
        let unavailable = |source| BindError::Listen { listen, source };
        let listener = TcpListener::bind(listen).await.map_err(unavailable)?;
        Ok(Bound {
            address: listener.local_addr().map_err(unavailable)?,
            listener,
            http: http(config.header_timeout),
            slots: Arc::new(Semaphore::new(config.max_connections.get())),
            shares: Shares::new(config.max_connections_per_source, config.source_rules()),
            write_timeout: config.write_timeout,
            grace: config.longest_request(),
            receiver: Arc::new(Receiver::new(config, engine, decoders)),
        })
    }
}

fn http(header_timeout: Duration) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_header_size(MAX_HEADER)
        .max_buf_size(BUFFER)
        // A client that has said all it has to say still gets its answer.
        .half_close(true);
    http
}

impl Bound {
    /// The address it listens on, with the port that the system chose if none was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is ready; then takes no more connections, finishes the requests
    /// that have begun, and returns. That takes no longer than a request may, which is
    /// `body_timeout` and twice `store_timeout`; what is left by then is cut off.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) {
        let connections = GracefulShutdown::new();
        let mut tasks = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            let (stream, peer, place) = tokio::select! {
                biased;
                () = &mut shutdown => break,
                accepted = self.accept() => accepted,
            };
            tasks.spawn(self.connection(stream, peer, place, connections.watcher()));
            while tasks.try_join_next().is_some() {}
        }
        drop(self.listener);
        let finished = tokio::time::timeout(self.grace, connections.shutdown()).await;
        if finished.is_err() {
            tracing::warn!("connections are cut off that did not end in time");
        }
        tasks.shutdown().await;
    }

    /// Waits for a free slot, then for a connection.
    async fn accept(&self) -> (TcpStream, IpAddr, Place) {
        // The semaphore is never closed, so there always is a slot in the end.
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok();
        loop {
            let (stream, peer) = match self.listener.accept().await {
                Ok((stream, peer)) => (stream, peer.ip()),
                Err(error) => {
                    after(&error).await;
                    continue;
                }
            };
            match self.shares.take(peer) {
                Some(share) => return (stream, peer, (slot, share)),
                None => self.receiver.crowded(peer),
            }
        }
    }

    fn connection(
        &self,
        stream: TcpStream,
        peer: IpAddr,
        place: Place,
        watcher: Watcher,
    ) -> impl Future<Output = ()> + Send + 'static {
        let receiver = Arc::clone(&self.receiver);
        let service = service_fn(move |request| {
            let receiver = Arc::clone(&receiver);
            async move { Ok::<_, Infallible>(receiver.answer(peer, request).await) }
        });
        // Answers are small and must not wait for more to come.
        let _ = stream.set_nodelay(true);
        let stream = TokioIo::new(WriteLimit::new(stream, self.write_timeout));
        let served = watcher.watch(self.http.serve_connection(stream, service));
        async move {
            if let Err(error) = served.await {
                tracing::debug!(%peer, %error, "connection ended early");
            }
            drop(place);
        }
    }
}

/// A connection that broke before it was accepted concerns nobody; any other failure is the
/// system's, and passes.
async fn after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    ) {
        tracing::error!(%error, "cannot accept connections; trying again");
        tokio::time::sleep(OUT_OF_CONNECTIONS).await;
    }
}
