//! Health and metrics over HTTP, for those who run the server.

mod exposition;
mod link_metrics;
mod links;
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

use crate::failure::chain;
use crate::serve::Roles;
use exposition::{Exposition, Stored};
pub(crate) use links::Links;
use links::Trouble;
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

/// What is told of a process.
pub(crate) struct Served {
    pub(crate) engine: Engine,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) vitals: Arc<Vitals>,
    pub(crate) links: Links,
    pub(crate) roles: Roles,
}

struct Shared {
    engine: Engine,
    /// Where the engine lives.
    home: Handle,
    exposition: Exposition,
    vitals: Arc<Vitals>,
    links: Links,
    roles: Roles,
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
    pub(crate) fn start(self, served: Served) -> std::io::Result<()> {
        let shared = Shared {
            engine: served.engine,
            home: Handle::current(),
            exposition: Exposition::new(served.metrics, served.links.clone()),
            vitals: served.vitals,
            links: served.links,
            roles: served.roles,
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
    answer(shared.alive().map(|()| None))
}

/// A process is ready when it can do what it is there for. What is wrong besides is told.
async fn readyz(State(shared): State<Arc<Shared>>) -> Response {
    answer(shared.readiness().await)
}

impl Shared {
    fn alive(&self) -> Result<(), String> {
        self.vitals.alive()?;
        probe::goes_on(self.engine.longest_step())
    }

    async fn readiness(&self) -> Result<Option<String>, String> {
        self.alive()?;
        self.vitals.taking()?;
        self.store_answers().await?;
        match self.links.trouble(self.roles) {
            Some(Trouble::Grave(words)) => Err(words),
            Some(Trouble::Bearable(words)) => Ok(Some(words)),
            None => Ok(None),
        }
    }

    async fn store_answers(&self) -> Result<(), String> {
        let engine = self.engine.clone();
        let asked = self.home.spawn(async move { engine.next_deadline().await });
        match tokio::time::timeout(STORE_PATIENCE, asked).await {
            Ok(Ok(Ok(_))) => Ok(()),
            Ok(Ok(Err(error))) => Err(format!("store: {}", chain(&error))),
            Ok(Err(_)) | Err(_) => {
                let limit = STORE_PATIENCE.as_secs();
                Err(format!("store: it has not answered within {limit} s"))
            }
        }
    }
}

/// Well, perhaps with a remark; or not, and why.
fn answer(state: Result<Option<String>, String>) -> Response {
    match state {
        Ok(None) => (StatusCode::OK, "ok\n").into_response(),
        Ok(Some(remark)) => (StatusCode::OK, format!("ok\n{remark}\n")).into_response(),
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
