//! `sms serve`: from a configuration to a server at work.

mod banner;
mod delivery;
mod doubts;
mod engine;
mod fit;
mod listening;
mod open;
mod plan;
mod providers;
mod pulse;
mod role;
mod server;
mod stop;
pub(crate) mod threads;

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sms_delivery_http::DeliveryConfig;

use crate::admin::{Admin, AdminServer, Links, Metrics, Served, Vitals};
use crate::backends::{OpenQueue, OpenStore};
use crate::config::{Loaded, LogFormat};
use crate::failure::{Failure, chain};
use crate::progress::Screen;
use crate::{log, output};
use banner::Banner;
use engine::Parts;
use plan::Plan;
use providers::Providers;
pub(crate) use role::{Role, Roles};
use server::{Server, Servers, Stopping};
pub(crate) use stop::StopSignals;

/// What a drain has beyond the longest time-out of a provider, to commit the last answers.
const DRAIN_MARGIN: Duration = Duration::from_secs(5);

/// Serves until a signal comes.
pub(crate) async fn run(loaded: &Loaded, roles: Roles, json: bool) -> Result<(), Failure> {
    let plan = Plan::of(loaded)?;
    let screen = Screen::new(!json && loaded.config.log.format == LogFormat::Text);
    log::start(&loaded.config, &screen).map_err(|words| loaded.problem("log.level", words))?;
    fit::check(loaded, &plan, roles)?;
    let mut signals = StopSignals::listen().map_err(Failure::new)?;
    let providers = Providers::build(loaded, &plan.http, roles).await?;
    let delivery = delivery::settle(loaded, plan.delivery.clone(), roles)?;
    let admin = bind_admin(loaded)?;
    rehearse(loaded, &plan, &delivery, &providers, roles).await?;

    // From here on probes are answered, however long the store is waited for.
    let vitals = Vitals::start();
    let admin = start_admin(admin, &vitals)?;
    let name = name(roles);
    let opening = open::store(loaded, &plan.store, &name, &mut signals, &screen);
    let Some(store) = opening.await? else {
        return Ok(());
    };
    let queue = open::queue(loaded, &plan.queue, &name).await?;
    let links = Links {
        redis: store.redis.clone(),
        broker: queue.broker.clone(),
    };
    let names = providers.setups.iter().map(|setup| setup.provider.name());
    let metrics = Arc::new(Metrics::of(names));
    let parts = parts(&plan, &delivery, store, queue, &metrics);
    let engine = engine::build(loaded, parts, &providers)?;
    let servers = Servers::bind(roles, &engine, &plan, delivery, &providers).await?;
    let broker = links.broker.clone();
    admin.opened(Served {
        engine: engine.clone(),
        metrics,
        refused_keys: servers.refused_keys(),
        links,
        roles,
        remark: doubts::sends_nothing(loaded),
    });
    doubts::tell(loaded, roles, &providers);
    // Whoever waits for this word finds everything as it will be.
    announce(loaded, roles, &servers, admin.address(), &providers, json);
    let stopping = Stopping {
        delay: loaded.config.drain.delay,
        timeout: drain_timeout(loaded, &providers),
    };
    let server = Server::start(roles, engine, servers, vitals, providers.sandbox);
    let done = server.run(signals, stopping, &screen).await;
    if let Some(broker) = broker {
        broker.close().await;
    }
    done
}

fn bind_admin(loaded: &Loaded) -> Result<AdminServer, Failure> {
    let address = loaded.config.admin.listen;
    AdminServer::bind(address)
        .map_err(|error| listening::refusal_at("admin.listen", address, &error))
}

fn start_admin(admin: AdminServer, vitals: &Arc<Vitals>) -> Result<Admin, Failure> {
    let started = admin.start(Arc::clone(vitals));
    started.map_err(|error| Failure::new(format!("the admin server: {error}")))
}

/// Checks everything that can be checked without the store, and without serving anything.
pub(crate) async fn check(loaded: &Loaded, roles: Roles) -> Result<(), Failure> {
    let plan = Plan::of(loaded)?;
    fit::check(loaded, &plan, roles)?;
    let providers = Providers::build(loaded, &plan.http, roles).await?;
    let delivery = delivery::settle(loaded, plan.delivery.clone(), roles)?;
    let engine = engine::build(loaded, scratch(&plan, &delivery), &providers)?;
    // The servers check their parts when they take their addresses, which are given back at once.
    // Whether an address is free here and now is not a matter of the configuration.
    if roles.api {
        match sms_grpc::GrpcServer::bind(plan.grpc, engine.clone()).map(drop) {
            Ok(()) | Err(sms_grpc::BindError::Listen { .. }) => {}
            Err(error) => return Err(Failure::new(chain(&error))),
        }
    }
    if roles.delivery {
        let decoders = providers.decoders.clone();
        let bound = sms_delivery_http::DeliveryServer::bind(delivery, engine, decoders).await;
        match bound.map(drop) {
            Ok(()) | Err(sms_delivery_http::BindError::Listen { .. }) => {}
            Err(error) => return Err(Failure::new(chain(&error))),
        }
    }
    Ok(())
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
    let bound = Servers::bind(roles, &engine, plan, delivery.clone(), providers).await;
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
    servers: &Servers,
    admin: SocketAddr,
    providers: &Providers,
    json: bool,
) {
    let name = |setup: &sms_core::ProviderSetup| setup.provider.name().to_string();
    let banner = Banner {
        loaded,
        roles,
        grpc: servers.grpc_address(),
        delivery: servers.delivery_address(),
        admin,
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
