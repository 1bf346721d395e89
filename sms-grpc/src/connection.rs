//! One connection, from its first byte to its end.

use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::dispatch::Dispatch;
use crate::preface;
use crate::together::Together;

/// How long a peer may take for the TLS handshake and the first words of HTTP/2, both together. A
/// connection that does nothing holds one of few places.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// A quiet peer is asked for a sign of life after this time, so that one that vanished without a
/// word gives its place back.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// How many bytes a peer may send ahead. Large enough that a batch does not wait for a round
/// trip; RFC 9113's 64 KiB would make it wait for sixteen.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;
/// Metadata of one call, in bytes. Keys and deadlines take some hundreds.
const MAX_HEADER_BYTES: u32 = 16 * 1024;

/// Serves connections. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Connections {
    http: http2::Builder<TokioExecutor>,
    tls: Option<TlsAcceptor>,
    dispatch: Dispatch,
    closing: CancellationToken,
    cut: CancellationToken,
}

impl Connections {
    /// `closing` lets each connection finish its calls and take no more; `cut` ends it at once.
    pub(crate) fn new(
        dispatch: Dispatch,
        tls: Option<TlsAcceptor>,
        max_streams: u32,
        closing: CancellationToken,
        cut: CancellationToken,
    ) -> Self {
        let mut http = http2::Builder::new(TokioExecutor::new());
        http.timer(TokioTimer::new())
            .max_concurrent_streams(max_streams)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEADER_BYTES)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT);
        Self {
            http,
            tls,
            dispatch,
            closing,
            cut,
        }
    }

    /// Serves one connection to its end.
    pub(crate) async fn serve(self, stream: TcpStream) {
        let from = stream.peer_addr().ok().map(|address| address.ip());
        // A reply must not wait for the next one to fill its packet.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "a connection was lost before it began");
            return;
        }
        match &self.tls {
            Some(tls) => {
                let begin = async { preface::read(tls.accept(stream).await?).await };
                if let Some(begun) = self.in_time(begin).await {
                    self.serve_http(begun, from).await;
                }
            }
            None => {
                if let Some(begun) = self.in_time(preface::read(stream)).await {
                    self.serve_http(begun, from).await;
                }
            }
        }
    }

    /// What comes of the first steps of a connection; none if they fail, take too long, or the
    /// server closes.
    async fn in_time<T>(&self, step: impl Future<Output = io::Result<T>>) -> Option<T> {
        tokio::select! {
            done = timeout(HANDSHAKE_LIMIT, step) => match done {
                Ok(Ok(value)) => return Some(value),
                Ok(Err(error)) => debug!(%error, "a connection failed at its beginning"),
                Err(_) => debug!("a connection was not begun in time"),
            },
            () = self.closing.cancelled() => {}
        }
        None
    }

    /// Serves a connection over which only HTTP/2 is spoken.
    pub(crate) async fn serve_http<I>(&self, io: I, from: Option<IpAddr>)
    where
        I: AsyncRead + AsyncWrite + Unpin,
    {
        let connection = self.http.serve_connection(
            TokioIo::new(Together::new(io)),
            self.dispatch.for_peer(from),
        );
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.closing.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection => ended,
                    () = self.cut.cancelled() => return,
                }
            }
        };
        if let Err(error) = ended {
            debug!(%error, "a connection ended early");
        }
    }
}
