//! What several calls of one connection have to say is written together.

use std::io::IoSlice;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use sms_core::testing::ScriptedProvider;
use sms_core::{MemoryQueue, MemoryStore, ProviderSetup};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};

use super::*;

/// Counts the writes.
struct Counting {
    io: DuplexStream,
    writes: Arc<AtomicUsize>,
}

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

fn bound() -> BoundServer {
    let provider = Arc::new(ScriptedProvider::new("main").unwrap());
    let engine = Engine::builder(
        Arc::new(MemoryStore::default()),
        Arc::new(MemoryQueue::default()),
    );
    let engine = engine
        .provider(ProviderSetup::new(provider))
        .build()
        .unwrap();
    let config = GrpcConfig::new(([127, 0, 0, 1], 0).into());
    GrpcServer::bind(config, engine).unwrap()
}

async fn answers_and_writes(calls: usize) -> (usize, usize) {
    let (client, io) = duplex(64 * 1_024);
    let writes = Arc::new(AtomicUsize::new(0));
    let counting = Counting {
        io,
        writes: Arc::clone(&writes),
    };
    let connections = bound().connections;
    tokio::spawn(async move { connections.serve_http(counting, None).await });
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(client));
    let (sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let call = || {
        let request = Request::post("http://localhost/SMSService/SendMessage");
        let request = request.header("content-type", "application/grpc");
        let answer = sender
            .clone()
            .send_request(request.body(Empty::<Bytes>::new()).unwrap());
        async {
            answer
                .await
                .is_ok_and(|answer| answer.status() == StatusCode::OK)
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
