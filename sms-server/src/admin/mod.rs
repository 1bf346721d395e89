//! Health and metrics over HTTP, for those who run the server.

mod exposition;
mod metrics;
mod probe;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sms_core::Engine;
use tokio::runtime::Handle;

use exposition::{Exposition, Stored};
pub(crate) use metrics::Metrics;
pub(crate) use probe::Vitals;

/// How long the store may take for a cheap call before it counts as not there: less than the
/// time after which probes and scrapes usually give up.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

/// What Prometheus calls this form of text.
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// The server of `/livez`, `/readyz` and `/metrics`.
///
/// It has a thread of its own, so that it can still say so when all others are stuck; it serves
/// until the process ends, so that a drain can be watched.
#[derive(Debug)]
pub(crate) struct AdminServer {
    address: SocketAddr,
    listener: TcpListener,
}

struct Shared {
    engine: Engine,
    /// Where the engine lives.
    home: Handle,
    exposition: Exposition,
    vitals: Arc<Vitals>,
}

impl AdminServer {
    /// Takes the address.
    pub(crate) fn bind(listen: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { address, listener })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves on a thread of its own. To be called on the runtime that the engine works on.
    pub(crate) fn start(
        self,
        engine: Engine,
        metrics: Arc<Metrics>,
        vitals: Arc<Vitals>,
    ) -> std::io::Result<()> {
        let shared = Shared {
            engine,
            home: Handle::current(),
            exposition: Exposition::new(metrics),
            vitals,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let serve = move || runtime.block_on(serve(self.listener, shared));
        std::thread::Builder::new()
            .name("admin".into())
            .spawn(serve)?;
        Ok(())
    }
}

async fn serve(listener: TcpListener, shared: Shared) {
    let router = Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics_text))
        .with_state(Arc::new(shared));
    let served = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => axum::serve(listener, router).await,
        Err(error) => Err(error),
    };
    if let Err(error) = served {
        tracing::error!(%error, "health and metrics are no longer served");
    }
}

async fn livez(State(shared): State<Arc<Shared>>) -> Response {
    answer(shared.vitals.alive())
}

async fn readyz(State(shared): State<Arc<Shared>>) -> Response {
    if let Err(problem) = shared.vitals.alive().and_then(|()| shared.vitals.taking()) {
        return answer(Err(problem));
    }
    let engine = shared.engine.clone();
    let asked = shared
        .home
        .spawn(async move { engine.next_deadline().await });
    answer(match tokio::time::timeout(STORE_PATIENCE, asked).await {
        Ok(Ok(Ok(_))) => Ok(()),
        Ok(Ok(Err(error))) => Err(error.to_string()),
        Ok(Err(_)) | Err(_) => Err("the store does not answer".into()),
    })
}

fn answer(state: Result<(), String>) -> Response {
    match state {
        Ok(()) => (StatusCode::OK, "ok\n").into_response(),
        Err(problem) => (StatusCode::SERVICE_UNAVAILABLE, format!("{problem}\n")).into_response(),
    }
}

async fn metrics_text(State(shared): State<Arc<Shared>>) -> Response {
    let engine = shared.engine.clone();
    let asked = shared.home.spawn(async move {
        let (counts, next_deadline) = tokio::try_join!(engine.count(), engine.next_deadline())?;
        Ok::<_, sms_core::StoreError>(Stored {
            counts,
            next_deadline,
            now: engine.now(),
        })
    });
    let stored = match tokio::time::timeout(STORE_PATIENCE, asked).await {
        Ok(Ok(Ok(stored))) => Some(stored),
        _ => None,
    };
    match shared.exposition.render(stored.as_ref()) {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            [(header::CONTENT_TYPE, PLAIN_TEXT)],
        )
            .into_response(),
    }
}
