//! The parts of the server: bound together, run together, stopped in order.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sms_core::duration::format_duration;
use sms_core::{Drained, Engine, Running};
use sms_delivery_http::{Bound, DeliveryConfig, DeliveryServer};
use sms_grpc::{BoundServer, GrpcServer, Health, RefusedKeys};
use sms_provider_http::sandbox::Sandbox;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::plan::Plan;
use super::providers::Providers;
use super::role::Roles;
use super::stop::{StopSignal, StopSignals};
use super::{listening, pulse};
use crate::admin::Vitals;
use crate::failure::Failure;
use crate::progress::Screen;

/// What listens for the roles.
pub(crate) struct Servers {
    grpc: Option<BoundServer>,
    delivery: Option<Bound>,
}

impl Servers {
    /// Takes the addresses of the roles.
    pub(crate) async fn bind(
        roles: Roles,
        engine: &Engine,
        plan: &Plan,
        delivery: DeliveryConfig,
        providers: &Providers,
    ) -> Result<Self, Failure> {
        let grpc = match roles.api {
            true => {
                let bound = GrpcServer::bind(plan.grpc.clone(), engine.clone());
                Some(bound.map_err(|e| listening::refusal(&e))?)
            }
            false => None,
        };
        let delivery = match roles.delivery {
            true => {
                let decoders = providers.decoders.clone();
                let bound = DeliveryServer::bind(delivery, engine.clone(), decoders).await;
                Some(bound.map_err(|e| listening::refusal(&e))?)
            }
            false => None,
        };
        Ok(Self { grpc, delivery })
    }

    /// Where messages are taken, if they are.
    pub(crate) fn grpc_address(&self) -> Option<SocketAddr> {
        self.grpc.as_ref().map(BoundServer::local_addr)
    }

    /// Where reports are taken, if they are.
    pub(crate) fn delivery_address(&self) -> Option<SocketAddr> {
        self.delivery.as_ref().map(Bound::local_addr)
    }

    /// Counts the calls that are refused for their API key, if calls are taken.
    pub(crate) fn refused_keys(&self) -> Option<RefusedKeys> {
        self.grpc.as_ref().map(BoundServer::refused_keys)
    }
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

    /// Waits until the part ends, which it does not of itself while all is well; for ever where
    /// there is no such part.
    async fn over(part: Option<&mut Self>) {
        match part {
            // How it ended is told by the panic hook.
            Some(part) => drop((&mut part.task).await),
            None => pending().await,
        }
    }

    async fn stop(part: Option<Self>) {
        if let Some(part) = part {
            let _ = part.stop.send(true);
            // One that was seen to end must not be waited for again.
            if !part.task.is_finished() {
                let _ = part.task.await;
            }
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
        mut self,
        mut signals: StopSignals,
        stopping: Stopping,
        screen: &Screen,
    ) -> Result<(), Failure> {
        let mut running = self.roles.worker.then(|| self.engine.start());
        let end = self.work(running.as_mut(), &mut signals).await;
        signals.exit_at_next();
        end.tell(stopping);
        let limit = format_duration(stopping.timeout);
        let finishing = screen.begin(format!("finishing what is under way, for {limit} at most"));
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
        drop(finishing);
        match drained {
            Drained::Clean => tracing::info!("stopped: nothing is under way"),
            Drained::Cut => tracing::warn!(
                limit_s = stopping.timeout.as_secs(),
                "stopped with submissions under way; they are settled after the next start"
            ),
        }
        end.verdict()
    }

    /// Works until there is a reason to end.
    async fn work(&mut self, running: Option<&mut Running>, signals: &mut StopSignals) -> End {
        tokio::select! {
            signal = signals.next() => End::Signal(signal),
            () = broken(running) => End::Broken("the engine"),
            () = Part::over(self.grpc.as_mut()) => End::Broken("the gRPC server"),
            () = Part::over(self.delivery.as_mut()) => End::Broken("the delivery server"),
            never = pulse::follow(&self.engine, self.health.as_ref()) => match never {},
        }
    }
}

/// Why the server ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Signal(StopSignal),
    /// This part of it is no more, although nobody stopped it.
    Broken(&'static str),
}

impl End {
    fn tell(self, stopping: Stopping) {
        let limit_s = stopping.timeout.as_secs();
        match self {
            Self::Signal(signal) => tracing::info!(
                signal = signal.name(),
                limit_s,
                "draining: finishing what is under way; a second signal stops at once"
            ),
            Self::Broken(part) => tracing::error!(
                part,
                limit_s,
                "draining: a part of the server has broken down"
            ),
        }
    }

    fn verdict(self) -> Result<(), Failure> {
        match self {
            Self::Signal(_) => Ok(()),
            Self::Broken(part) => Err(Failure::new(format!(
                "a part of the server broke down: {part}; this is a fault of the program, please \
                 report it with the log. No message is lost: start it again"
            ))),
        }
    }
}

async fn broken(running: Option<&mut Running>) {
    match running {
        Some(running) => running.broken().await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use sms_core::testing::ScriptedProvider;
    use sms_core::{MemoryQueue, MemoryStore, ProviderSetup};

    use super::super::role::Role;
    use super::*;

    fn engine() -> Engine {
        let store = Arc::new(MemoryStore::new());
        let provider = ScriptedProvider::new("main").unwrap();
        Engine::builder(store, Arc::new(MemoryQueue::new()))
            .provider(ProviderSetup::new(Arc::new(provider)))
            .build()
            .unwrap()
    }

    fn server(grpc: Option<Part>, delivery: Option<Part>) -> Server {
        Server {
            engine: engine(),
            roles: Roles::of(&[Role::Api]),
            vitals: Vitals::start(),
            grpc,
            health: None,
            delivery,
            _sandbox: None,
        }
    }

    fn sound() -> Part {
        Part::start(Stopped::wait)
    }

    fn breaking() -> Part {
        Part::start(|_| async { panic!("a fault of the program") })
    }

    #[tokio::test]
    async fn a_part_that_breaks_down_ends_the_server_with_an_error() {
        let stopping = Stopping {
            delay: Duration::ZERO,
            timeout: Duration::from_secs(1),
        };
        let screen = Screen::new(false);
        for (server, part) in [
            (server(Some(breaking()), Some(sound())), "the gRPC server"),
            (
                server(Some(sound()), Some(breaking())),
                "the delivery server",
            ),
        ] {
            let signals = StopSignals::listen().unwrap();
            let run = server.run(signals, stopping, &screen);
            let ended = tokio::time::timeout(Duration::from_secs(20), run).await;
            let words = ended.expect("it ends").unwrap_err().to_string();
            assert!(words.contains(part), "{words}");
        }
    }
}
