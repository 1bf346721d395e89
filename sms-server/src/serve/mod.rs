//! `sms serve`: from a configuration to a server at work.

mod banner;
mod delivery;
mod engine;
mod fit;
mod open;
mod plan;
mod providers;
mod role;
mod server;
mod stop;

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sms_delivery_http::DeliveryConfig;

use crate::admin::{AdminServer, Links, Metrics, Served, Vitals};
use crate::backends::{OpenQueue, OpenStore};
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
    fit::check(loaded, &plan, roles)?;
    let mut signals = StopSignals::listen().map_err(Failure::new)?;
    let providers = Providers::build(loaded, &plan.http, roles).await?;
    let delivery = delivery::settle(loaded, plan.delivery.clone(), &providers, roles)?;
    rehearse(loaded, &plan, &delivery, &providers, roles).await?;

    let name = name(roles);
    let Some(store) = open::store(loaded, &plan.store, &name, &mut signals).await? else {
        return Ok(());
    };
    let queue = open::queue(loaded, &plan.queue, &name).await?;
    let links = Links {
        redis: store.redis.clone(),
        broker: queue.broker.clone(),
    };
    let metrics = Arc::new(Metrics::default());
    let parts = parts(&plan, &delivery, store, queue, &metrics);
    let engine = engine::build(loaded, parts, &providers)?;
    let bound = Listeners::bind(loaded, roles, &engine, &plan, delivery, &providers).await?;
    announce(loaded, roles, &bound, &providers, json);
    let broker = links.broker.clone();
    let vitals = Vitals::start();
    let served = Served {
        engine: engine.clone(),
        metrics,
        vitals: Arc::clone(&vitals),
        links,
        roles,
    };
    let (servers, admin) = bound.split();
    start_admin(admin, served)?;
    let stopping = Stopping {
        delay: loaded.config.drain.delay,
        timeout: drain_timeout(loaded, &providers),
    };
    let server = Server::start(roles, engine, servers, vitals, providers.sandbox);
    let done = server.run(signals, stopping).await;
    if let Some(broker) = broker {
        broker.close().await;
    }
    done
}

fn start_admin(admin: AdminServer, served: Served) -> Result<(), Failure> {
    let started = admin.start(served);
    started.map_err(|error| Failure::new(format!("the admin server: {error}")))
}

/// Checks everything that can be checked without the store, and without serving anything.
pub(crate) async fn check(loaded: &Loaded) -> Result<(), Failure> {
    let roles = Roles::of(&[]);
    let plan = Plan::of(loaded)?;
    let providers = Providers::build(loaded, &plan.http, roles).await?;
    let delivery = delivery::settle(loaded, plan.delivery.clone(), &providers, roles)?;
    let engine = engine::build(loaded, scratch(&plan, &delivery), &providers)?;
    // The servers check their parts when they take their addresses, which are given back at once.
    let bound = sms_grpc::GrpcServer::bind(plan.grpc, engine.clone()).map(drop);
    match bound {
        // Whether the address is free here and now is not a matter of the configuration.
        Ok(()) | Err(sms_grpc::BindError::Listen { .. }) => {}
        Err(error) => return Err(Failure::new(chain(&error))),
    }
    let decoders = providers.decoders.clone();
    let bound = sms_delivery_http::DeliveryServer::bind(delivery, engine, decoders).await;
    match bound.map(drop) {
        Ok(()) | Err(sms_delivery_http::BindError::Listen { .. }) => Ok(()),
        Err(error) => Err(Failure::new(chain(&error))),
    }
}

/// Puts everything together over a store and a queue of no consequence, and gives the addresses
/// back: so a mistake, or a port in use, is told before a file is made or a server waited for.
async fn rehearse(
    loaded: &Loaded,
    plan: &Plan,
    delivery: &DeliveryConfig,
    providers: &Providers,
    roles: Roles,
) -> Result<(), Failure> {
    let engine = engine::build(loaded, scratch(plan, delivery), providers)?;
    let bound = Listeners::bind(loaded, roles, &engine, plan, delivery.clone(), providers).await;
    bound.map(drop)
}

/// What the process is called in the broker's list of connections.
fn name(roles: Roles) -> String {
    format!(
        "sms {}, pid {}",
        roles.names().join("+"),
        std::process::id()
    )
}

fn parts(
    plan: &Plan,
    delivery: &DeliveryConfig,
    store: OpenStore,
    queue: OpenQueue,
    metrics: &Arc<Metrics>,
) -> Parts {
    Parts {
        queue_forgets: plan.queue.forgets(),
        store: store.store,
        limiter: store.limiter,
        queue: queue.queue,
        observer: metrics.clone(),
        retry: plan.retry,
        public_url: delivery.public_url.clone(),
    }
}

fn scratch(plan: &Plan, delivery: &DeliveryConfig) -> Parts {
    parts(
        plan,
        delivery,
        OpenStore::scratch(),
        OpenQueue::scratch(),
        &Arc::default(),
    )
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
        grpc: listeners.grpc_address(),
        delivery: listeners.delivery_address(),
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
