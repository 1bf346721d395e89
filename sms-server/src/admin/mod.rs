//! Health and metrics over HTTP, for those who run the server.

mod exposition;
mod link_metrics;
mod links;
mod metrics;
mod probe;

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sms_core::Engine;
use sms_grpc::RefusedKeys;
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

/// What is not ready, and not measured, before the store is there.
const STARTING: &str = "starting: waiting for the store";

/// What Prometheus calls this form of text.
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// The server of `/livez`, `/readyz` and `/metrics`.
///
/// It has a thread of its own, so that it can still say so when all others are stuck; it serves
/// from before the store is opened, so that a long wait is not taken for a dead process, until the
/// process ends, so that a drain can be watched.
#[derive(Debug)]
pub(crate) struct AdminServer {
    address: SocketAddr,
    listener: TcpListener,
}

/// The server at work.
pub(crate) struct Admin {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What is told of a process once its store is open.
pub(crate) struct Served {
    pub(crate) engine: Engine,
    pub(crate) metrics: Arc<Metrics>,
    /// Where calls are taken.
    pub(crate) refused_keys: Option<RefusedKeys>,
    pub(crate) links: Links,
    pub(crate) roles: Roles,
    /// What whoever asks should know, although it hinders nothing.
    pub(crate) remark: Option<&'static str>,
}

struct Shared {
    /// Where the engine lives.
    home: Handle,
    vitals: Arc<Vitals>,
    /// Empty as long as the store is waited for.
    open: OnceLock<Open>,
}

struct Open {
    engine: Engine,
    exposition: Exposition,
    links: Links,
    roles: Roles,
    remark: Option<&'static str>,
}

impl AdminServer {
    /// Takes the address.
    pub(crate) fn bind(listen: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { address, listener })
    }

    /// Serves on a thread of its own. To be called on the runtime that the engine works on.
    pub(crate) fn start(self, vitals: Arc<Vitals>) -> std::io::Result<Admin> {
        let shared = Arc::new(Shared {
            home: Handle::current(),
            vitals,
            open: OnceLock::new(),
        });
        let admin = Admin {
            address: self.address,
            shared: Arc::clone(&shared),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let serve = move || runtime.block_on(serve(self.listener, shared));
        std::thread::Builder::new()
            .name("admin".into())
            .spawn(serve)?;
        Ok(admin)
    }
}

impl Admin {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The store is open: from now on it is told how this process is.
    pub(crate) fn opened(&self, served: Served) {
        let Served {
            engine,
            metrics,
            refused_keys,
            links,
            roles,
            remark,
        } = served;
        let exposition = Exposition::new(metrics, links.clone(), refused_keys);
        // Once only; a second word would change nothing.
        let _ = self.shared.open.set(Open {
            engine,
            exposition,
            links,
            roles,
            remark,
        });
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let router = Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics_text))
        .with_state(shared);
    let served = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => axum::serve(listener, router).await,
        Err(error) => Err(error),
    };
    if let Err(error) = served {
        tracing::error!(%error, "health and metrics are no longer served");
    }
}

async fn livez(State(shared): State<Arc<Shared>>) -> Response {
    answer(shared.alive().map(|()| Vec::new()))
}

/// A process is ready when it can do what it is there for. What is wrong besides is told.
async fn readyz(State(shared): State<Arc<Shared>>) -> Response {
    answer(shared.readiness().await)
}

impl Shared {
    /// Before the store is open nothing but the event loop can hang.
    fn alive(&self) -> Result<(), String> {
        self.vitals.alive()?;
        let step = self.open.get().and_then(|open| open.engine.longest_step());
        probe::goes_on(step)
    }

    async fn readiness(&self) -> Result<Vec<String>, String> {
        self.alive()?;
        self.vitals.taking()?;
        let open = self.open()?;
        self.store_answers(open).await?;
        let mut remarks = Vec::new();
        match open.links.trouble(open.roles) {
            Some(Trouble::Grave(words)) => return Err(words),
            Some(Trouble::Bearable(words)) => remarks.push(words),
            None => {}
        }
        remarks.extend(open.remark.map(str::to_owned));
        Ok(remarks)
    }

    fn open(&self) -> Result<&Open, String> {
        self.open.get().ok_or_else(|| STARTING.to_owned())
    }

    async fn store_answers(&self, open: &Open) -> Result<(), String> {
        let engine = open.engine.clone();
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

/// Well, perhaps with remarks; or not, and why.
fn answer(state: Result<Vec<String>, String>) -> Response {
    match state {
        Ok(remarks) => {
            let line = |remark: String| format!("{remark}\n");
            let remarks: String = remarks.into_iter().map(line).collect();
            (StatusCode::OK, format!("ok\n{remarks}")).into_response()
        }
        Err(problem) => (StatusCode::SERVICE_UNAVAILABLE, format!("{problem}\n")).into_response(),
    }
}

async fn metrics_text(State(shared): State<Arc<Shared>>) -> Response {
    let open = match shared.open() {
        Ok(open) => open,
        Err(problem) => return answer(Err(problem)),
    };
    let engine = open.engine.clone();
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
    match open.exposition.render(stored.as_ref()) {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            [(header::CONTENT_TYPE, PLAIN_TEXT)],
        )
            .into_response(),
    }
}
