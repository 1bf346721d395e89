//! `sms serve`: from a configuration to a server at work.

mod banner;
mod engine;
mod plan;
mod providers;
mod role;
mod server;
mod stop;

use std::io::IsTerminal as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use sms_core::{MemoryQueue, MemoryStore};
use sms_delivery_http::DeliveryConfig;

use crate::admin::{Metrics, Vitals};
use crate::config::{Loaded, LogFormat};
use crate::failure::{Failure, chain};
use crate::{log, output};
use banner::Banner;
use engine::Parts;
use plan::Plan;
use providers::Providers;
pub(crate) use role::{Role, Roles};
use server::{Listeners, Server, Stopping};
pub(crate) use stop::StopSignals;

/// What a drain has beyond the longest time-out of a provider, to commit the last answers.
const DRAIN_MARGIN: Duration = Duration::from_secs(5);

/// Serves until a signal comes.
pub(crate) async fn run(loaded: &Loaded, roles: Roles, json: bool) -> Result<(), Failure> {
    let plan = Plan::of(loaded)?;
    log::start(&loaded.config).map_err(|words| loaded.problem("log.level", words))?;
    check_roles(loaded, &plan, roles)?;
    let signals = StopSignals::listen().map_err(Failure::new)?;
    let mut providers = Providers::build(loaded, &plan.http).await?;
    let delivery = settle_delivery(loaded, plan.delivery, &providers)?;
    let metrics = Arc::new(Metrics::default());
    let parts = Parts {
        queue_forgets: plan.queue.forgets(),
        store: plan
            .store
            .open()
            .await
            .map_err(|w| loaded.problem("store", w))?,
        queue: plan
            .queue
            .open()
            .await
            .map_err(|w| loaded.problem("queue", w))?,
        observer: metrics.clone(),
        retry: plan.retry,
        public_url: delivery.public_url.clone(),
    };
    let engine = engine::build(loaded, parts, &providers)?;
    let decoders = std::mem::take(&mut providers.decoders);
    let admin = loaded.config.admin.listen;
    let listeners = Listeners::bind(roles, &engine, plan.grpc, delivery, decoders, admin).await?;
    announce(loaded, roles, &listeners, &providers, json);
    let vitals = Vitals::start();
    let Listeners {
        grpc,
        delivery,
        admin,
    } = listeners;
    let started = admin.start(engine.clone(), metrics, Arc::clone(&vitals));
    started.map_err(|error| Failure::new(format!("the admin server: {error}")))?;
    let stopping = Stopping {
        delay: loaded.config.drain.delay,
        timeout: drain_timeout(loaded, &providers),
    };
    let server = Server::start(roles, engine, grpc, delivery, vitals, providers.sandbox);
    server.run(signals, stopping).await
}

/// Checks everything that can be checked without the store, and without serving anything.
pub(crate) async fn check(loaded: &Loaded) -> Result<(), Failure> {
    let plan = Plan::of(loaded)?;
    let mut providers = Providers::build(loaded, &plan.http).await?;
    let delivery = settle_delivery(loaded, plan.delivery, &providers)?;
    let parts = Parts {
        queue_forgets: true,
        store: Arc::new(MemoryStore::new()),
        queue: Arc::new(MemoryQueue::new()),
        observer: Arc::new(Metrics::default()),
        retry: plan.retry,
        public_url: delivery.public_url.clone(),
    };
    let engine = engine::build(loaded, parts, &providers)?;
    let decoders = std::mem::take(&mut providers.decoders);
    // The servers check their parts when they take their addresses, which are given back at once.
    let bound = sms_grpc::GrpcServer::bind(plan.grpc, engine.clone()).map(drop);
    match bound {
        // Whether the address is free here and now is not a matter of the configuration.
        Ok(()) | Err(sms_grpc::BindError::Listen { .. }) => {}
        Err(error) => return Err(Failure::new(chain(&error))),
    }
    let bound = sms_delivery_http::DeliveryServer::bind(delivery, engine, decoders).await;
    match bound.map(drop) {
        Ok(()) | Err(sms_delivery_http::BindError::Listen { .. }) => Ok(()),
        Err(error) => Err(Failure::new(chain(&error))),
    }
}

/// A store or queue that only this process sees is of no use to other roles elsewhere.
fn check_roles(loaded: &Loaded, plan: &Plan, roles: Roles) -> Result<(), Failure> {
    if roles.are_all() {
        return Ok(());
    }
    let words = "serves one process only, which then needs all roles: leave --role away";
    if !plan.store.is_shared() {
        return Err(loaded.problem("store", words).into());
    }
    if !plan.queue.is_shared() {
        return Err(loaded.problem("queue", words).into());
    }
    Ok(())
}

/// Completes what the delivery server is told: which providers sign, and its own address where
/// the port is the system's choice, because the engine has to know it first.
fn settle_delivery(
    loaded: &Loaded,
    mut delivery: DeliveryConfig,
    providers: &Providers,
) -> Result<DeliveryConfig, Failure> {
    delivery.signed.extend(providers.signed.iter().cloned());
    if delivery.listen.port() == 0 {
        let free = TcpListener::bind(delivery.listen).and_then(|listener| listener.local_addr());
        delivery.listen =
            free.map_err(|error| loaded.problem("delivery.listen", error.to_string()))?;
        if !loaded.is_given("delivery.public_url") {
            delivery.public_url = format!("http://{}", delivery.listen);
        }
    }
    Ok(delivery)
}

fn drain_timeout(loaded: &Loaded, providers: &Providers) -> Duration {
    let derived = providers.longest_timeout() + DRAIN_MARGIN;
    loaded.config.drain.timeout.unwrap_or(derived)
}

fn announce(
    loaded: &Loaded,
    roles: Roles,
    listeners: &Listeners,
    providers: &Providers,
    json: bool,
) {
    let name = |setup: &sms_core::ProviderSetup| setup.provider.name().to_string();
    let banner = Banner {
        loaded,
        roles,
        grpc: listeners
            .grpc
            .as_ref()
            .map(sms_grpc::BoundServer::local_addr),
        delivery: listeners
            .delivery
            .as_ref()
            .map(sms_delivery_http::Bound::local_addr),
        admin: listeners.admin.address(),
        providers: providers.setups.iter().map(name).collect(),
        sandbox: providers
            .sandbox
            .as_ref()
            .map(|sandbox| -> SocketAddr { sandbox.addr() }),
    };
    let at_terminal =
        std::io::stdout().is_terminal() && loaded.config.log.format == LogFormat::Text;
    if at_terminal && !json {
        output::offer(&banner.text());
        return;
    }
    banner.log();
    if json {
        output::offer(&format!("{}\n", banner.json()));
    }
}
