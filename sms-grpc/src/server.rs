//! Listening, serving, and coming to an end.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use sms_core::Engine;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;
use tonic_health::pb::health_server::HealthServer;
use tracing::warn;

use crate::check::check;
use crate::config::GrpcConfig;
use crate::connection::Connections;
use crate::dispatch::{Dispatch, Services};
use crate::health::{Health, HealthService};
use crate::legacy::LegacyService;
use crate::proto;
use crate::proto::legacy::sms_service_server::SmsServiceServer;
use crate::proto::v1::message_service_server::MessageServiceServer;
use crate::refused_keys::RefusedKeys;
use crate::tls;
use crate::v1::V1Service;

/// How many connections wait in the kernel to be accepted.
const BACKLOG: u32 = 1_024;
/// How long to wait when a connection cannot be accepted, mostly because files ran out: trying
/// again at once would only burn time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The server could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The address cannot be listened on.
    #[error("grpc.listen: cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Everyone on the network could read the traffic.
    #[error(
        "grpc.listen: {address} is reached from other machines, but there is no TLS: set \
         grpc.tls.cert and grpc.tls.key, or listen on 127.0.0.1, or, if a proxy in front has TLS, \
         set grpc.dangerously_allow_plaintext_beyond_loopback"
    )]
    Plaintext {
        /// The address.
        address: SocketAddr,
    },
    /// Everyone on the network could send and read messages.
    #[error(
        "grpc.listen: {address} is reached from other machines, but nobody is asked who they are: \
         add an [[api_key]] (`sms config key` makes one) or set grpc.tls.client_ca, or \
         listen on 127.0.0.1, or set grpc.dangerously_allow_unauthenticated_beyond_loopback"
    )]
    Unauthenticated {
        /// The address.
        address: SocketAddr,
    },
    /// A file for TLS cannot be used; the text names it and its configuration key.
    #[error(transparent)]
    Tls(Box<dyn std::error::Error + Send + Sync>),
    /// Two keys are the same, so that it is unclear whose it is.
    #[error("api_key: {first} and {second} have the same hash; remove one")]
    DuplicateKey {
        /// The name of one.
        first: String,
        /// The name of the other.
        second: String,
    },
    /// A limit is zero, so that nothing could be served.
    #[error("grpc.{key}: is 0, so that nothing could be served; set at least 1")]
    ZeroLimit {
        /// The configuration key.
        key: &'static str,
    },
    /// A limit is beyond what can be counted.
    #[error("grpc.{key}: is more than can be counted; set at most {most}")]
    HugeLimit {
        /// The configuration key.
        key: &'static str,
        /// The largest value.
        most: usize,
    },
}

/// The gRPC server.
#[derive(Debug)]
pub struct GrpcServer;

impl GrpcServer {
    /// Checks the configuration and takes the address. To be called within a tokio runtime.
    ///
    /// # Errors
    /// [`BindError`] names the configuration key that is to blame and says what to do.
    pub fn bind(config: GrpcConfig, engine: Engine) -> Result<BoundServer, BindError> {
        check(&config)?;
        let tls = config.tls.as_ref().map(tls::acceptor).transpose();
        let tls = tls.map_err(|error| BindError::Tls(error.into()))?;
        let address = config.listen;
        let listener = listen(address).map_err(|source| BindError::Listen { address, source })?;
        let closing = CancellationToken::new();
        let cut = CancellationToken::new();
        let health = Health::serving();
        let refused_keys = RefusedKeys::default();
        let services = services(&config, engine, &health, &refused_keys, &closing);
        let connections = Connections::new(
            Dispatch::new(services),
            tls,
            config.max_streams_per_connection,
            closing.clone(),
            cut.clone(),
        );
        Ok(BoundServer {
            address: listener.local_addr().unwrap_or(address),
            listener,
            slots: Arc::new(Semaphore::new(config.max_connections)),
            grace: config.shutdown_grace,
            connections,
            health,
            refused_keys,
            closing,
            cut,
        })
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A restarted server need not wait until the connections of the one before it are forgotten.
    // On Windows the option means something else: taking an address that is in use.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn services(
    config: &GrpcConfig,
    engine: Engine,
    health: &Health,
    refused_keys: &RefusedKeys,
    closing: &CancellationToken,
) -> Services {
    let calls = Arc::new(Semaphore::new(config.max_concurrent_calls));
    let legacy = LegacyService::new(engine.clone(), Arc::clone(&calls));
    let v1 = V1Service::new(engine, calls, config.max_watches, closing.clone());
    let health = HealthService::new(health.clone(), closing.clone());
    let largest = config.max_message_bytes;
    Services {
        keys: config.api_keys.clone(),
        refused_keys: refused_keys.clone(),
        legacy: SmsServiceServer::new(legacy).max_decoding_message_size(largest),
        v1: MessageServiceServer::new(v1).max_decoding_message_size(largest),
        health: HealthServer::new(health),
        reflection: config.reflection.then(reflection),
    }
}

/// Both versions of the protocol: tools of before 2023 know only the older one.
fn reflection() -> Routes {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // The details of errors, so that tools can show them.
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
    };
    let readable = "the descriptors were made by this build";
    Routes::new(builder().build_v1().expect(readable))
        .add_service(builder().build_v1alpha().expect(readable))
}

/// A server that holds its address and is ready to serve.
pub struct BoundServer {
    address: SocketAddr,
    listener: TcpListener,
    slots: Arc<Semaphore>,
    grace: Duration,
    connections: Connections,
    health: Health,
    refused_keys: RefusedKeys,
    closing: CancellationToken,
    cut: CancellationToken,
}

impl std::fmt::Debug for BoundServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BoundServer")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl BoundServer {
    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Tells load balancers whether to send calls here. Serving from the start.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Counts the calls that are refused for their API key.
    #[must_use]
    pub fn refused_keys(&self) -> RefusedKeys {
        self.refused_keys.clone()
    }

    /// Serves until `shutdown` completes. Then takes no more connections and calls, ends watches
    /// with `UNAVAILABLE`, lets other calls finish within [`GrpcConfig::shutdown_grace`], and
    /// returns.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let open = TaskTracker::new();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                (stream, slot) = next(&self.listener, &self.slots) => {
                    let serving = self.connections.clone().serve(stream);
                    open.spawn(async move {
                        serving.await;
                        drop(slot);
                    });
                }
            }
        }
        drop(self.listener);
        self.health.set_serving(false);
        self.closing.cancel();
        open.close();
        if tokio::time::timeout(self.grace, open.wait()).await.is_err() {
            warn!(
                connections = open.len(),
                "connections are cut: their calls did not end in time"
            );
            self.cut.cancel();
            open.wait().await;
        }
    }
}

/// The next connection, once there is room for it.
async fn next(listener: &TcpListener, slots: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    let slot = Arc::clone(slots)
        .acquire_owned()
        .await
        .expect("nobody closes the semaphore");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, slot),
            Err(error) => {
                warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bytes::Bytes;
    use futures_util::future::join_all;
    use http::{Request, StatusCode};
    use http_body_util::Empty;
    use hyper::client::conn::http2;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use sms_core::testing::ScriptedProvider;
    use sms_core::{MemoryQueue, MemoryStore, ProviderSetup};
    use tokio::io::duplex;
    use tokio_util::io::InspectWriter;

    use super::*;

    fn bound() -> BoundServer {
        let provider = Arc::new(ScriptedProvider::new("main").unwrap());
        let store = Arc::new(MemoryStore::default());
        let engine = Engine::builder(store, Arc::new(MemoryQueue::default()))
            .provider(ProviderSetup::new(provider))
            .build()
            .unwrap();
        let config = GrpcConfig::new(([127, 0, 0, 1], 0).into());
        GrpcServer::bind(config, engine).unwrap()
    }

    /// How many of so many calls are answered, and in how many writes.
    async fn answers_and_writes(calls: usize) -> (usize, usize) {
        let (client, server) = duplex(64 * 1_024);
        let writes = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&writes);
        let server = InspectWriter::new(server, move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let connections = bound().connections;
        tokio::spawn(async move { connections.serve_http(server, None).await });
        let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(client));
        let (sender, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        let call = || {
            let request = Request::post("http://localhost/SMSService/SendMessage")
                .header("content-type", "application/grpc")
                .body(Empty::<Bytes>::new());
            let answer = sender.clone().send_request(request.unwrap());
            async {
                let answered = answer.await;
                answered.is_ok_and(|answer| answer.status() == StatusCode::OK)
            }
        };
        assert!(call().await, "the connection is set up");
        writes.store(0, Ordering::Relaxed);
        let answers = join_all((0..calls).map(|_| call())).await;
        let answered = answers.into_iter().filter(|answered| *answered).count();
        (answered, writes.load(Ordering::Relaxed))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn answers_that_are_there_together_are_written_together() {
        let (answered, writes) = tokio::spawn(answers_and_writes(50)).await.unwrap();
        assert_eq!(answered, 50);
        assert!(writes < 10, "{writes} writes");
    }
}
