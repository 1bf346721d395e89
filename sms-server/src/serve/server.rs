//! The parts of the server: bound together, run together, stopped in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sms_core::{Drained, Engine, Running};
use sms_delivery_http::{Bound, DeliveryConfig, DeliveryServer};
use sms_grpc::{BoundServer, GrpcServer, Health};
use sms_provider_http::sandbox::Sandbox;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::plan::Plan;
use super::providers::Providers;
use super::role::Roles;
use super::stop::StopSignals;
use crate::admin::{AdminServer, Vitals};
use crate::config::Loaded;
use crate::failure::{Failure, chain};

/// Everything that listens.
pub(crate) struct Listeners {
    servers: Servers,
    pub(crate) admin: AdminServer,
}

/// Those of the roles.
pub(crate) struct Servers {
    grpc: Option<BoundServer>,
    delivery: Option<Bound>,
}

impl Listeners {
    /// Takes the addresses of the roles.
    pub(crate) async fn bind(
        loaded: &Loaded,
        roles: Roles,
        engine: &Engine,
        plan: &Plan,
        delivery: DeliveryConfig,
        providers: &Providers,
    ) -> Result<Self, Failure> {
        let admin = loaded.config.admin.listen;
        let refuse_admin = |error: std::io::Error| {
            let words = format!("admin.listen: cannot listen on {admin}: {error}");
            Failure::new(busy_hint(words, &error))
        };
        let admin = AdminServer::bind(admin).map_err(refuse_admin)?;
        let grpc = match roles.api {
            true => {
                let bound = GrpcServer::bind(plan.grpc.clone(), engine.clone());
                Some(bound.map_err(|e| refuse(&e))?)
            }
            false => None,
        };
        let delivery = match roles.delivery {
            true => {
                let decoders = providers.decoders.clone();
                let bound = DeliveryServer::bind(delivery, engine.clone(), decoders).await;
                Some(bound.map_err(|e| refuse(&e))?)
            }
            false => None,
        };
        let servers = Servers { grpc, delivery };
        Ok(Self { servers, admin })
    }

    /// Where messages are taken, if they are.
    pub(crate) fn grpc_address(&self) -> Option<SocketAddr> {
        self.servers.grpc.as_ref().map(BoundServer::local_addr)
    }

    /// Where reports are taken, if they are.
    pub(crate) fn delivery_address(&self) -> Option<SocketAddr> {
        self.servers.delivery.as_ref().map(Bound::local_addr)
    }

    /// The servers of the roles, and the one that every process has.
    pub(crate) fn split(self) -> (Servers, AdminServer) {
        (self.servers, self.admin)
    }
}

fn refuse(error: &(dyn std::error::Error + 'static)) -> Failure {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return Failure::new(busy_hint(chain(error), io));
        }
        next = cause.source();
    }
    Failure::new(chain(error))
}

fn busy_hint(words: String, error: &std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::AddrInUse {
        return format!("{words}: stop the program that listens there, or choose another port");
    }
    words
}

/// How the server comes to its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopping {
    /// How long calls are still taken after `/readyz` has turned.
    pub(crate) delay: Duration,
    /// How long submissions that are under way may take.
    pub(crate) timeout: Duration,
}

/// A server at work.
pub(crate) struct Server {
    engine: Engine,
    roles: Roles,
    vitals: Arc<Vitals>,
    grpc: Option<Part>,
    health: Option<Health>,
    delivery: Option<Part>,
    /// Posts its reports as long as it lives.
    _sandbox: Option<Sandbox>,
}

/// A server's task and how it is stopped.
struct Part {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Part {
    fn start<F>(serve: impl FnOnce(Stopped) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(serve(Stopped(stopped)));
        Self { stop, task }
    }

    async fn stop(part: Option<Self>) {
        if let Some(part) = part {
            let _ = part.stop.send(true);
            let _ = part.task.await;
        }
    }
}

struct Stopped(watch::Receiver<bool>);

impl Stopped {
    async fn wait(mut self) {
        let _ = self.0.wait_for(|stopped| *stopped).await;
    }
}

impl Server {
    /// Begins to serve.
    pub(crate) fn start(
        roles: Roles,
        engine: Engine,
        Servers { grpc, delivery }: Servers,
        vitals: Arc<Vitals>,
        sandbox: Option<Sandbox>,
    ) -> Self {
        Self {
            health: grpc.as_ref().map(BoundServer::health),
            grpc: grpc.map(|bound| Part::start(|stopped| bound.serve(stopped.wait()))),
            delivery: delivery.map(|bound| Part::start(|stopped| bound.serve(stopped.wait()))),
            engine,
            roles,
            vitals,
            _sandbox: sandbox,
        }
    }

    /// Works until a signal comes, then stops in order: first no new calls and no new attempts,
    /// then, once the attempts under way have their answers, no more reports, because a provider
    /// may report before it answers.
    ///
    /// # Errors
    /// When it was not a signal that ended it.
    pub(crate) async fn run(
        self,
        mut signals: StopSignals,
        stopping: Stopping,
    ) -> Result<(), Failure> {
        let mut running = self.roles.worker.then(|| self.engine.start());
        let signal = tokio::select! {
            signal = signals.next() => Some(signal),
            () = broken(running.as_mut()) => None,
        };
        signals.exit_at_next();
        let limit_s = stopping.timeout.as_secs();
        match signal {
            Some(signal) => tracing::info!(
                signal = signal.name(),
                limit_s,
                "draining: finishing what is under way; a second signal stops at once"
            ),
            None => tracing::error!(limit_s, "draining: a part of the server has broken down"),
        }
        self.vitals.drain();
        if let Some(health) = &self.health {
            health.set_serving(false);
        }
        tokio::time::sleep(stopping.delay).await;
        let drain = async {
            match running {
                Some(running) => running.drain(stopping.timeout).await,
                None => Drained::Clean,
            }
        };
        let ((), drained) = tokio::join!(Part::stop(self.grpc), drain);
        Part::stop(self.delivery).await;
        match drained {
            Drained::Clean => tracing::info!("stopped: nothing is under way"),
            Drained::Cut => tracing::warn!(
                limit_s,
                "stopped with submissions under way; they are settled after the next start"
            ),
        }
        match signal {
            Some(_) => Ok(()),
            None => Err(Failure::new(
                "a part of the server broke down; this is a fault of the program, please report \
                 it with the log. No message is lost: start it again",
            )),
        }
    }
}

async fn broken(running: Option<&mut Running>) {
    match running {
        Some(running) => running.broken().await,
        None => std::future::pending().await,
    }
}
