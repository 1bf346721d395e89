//! Everything that runs: the servers, our processes, and the network between them.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use futures_util::future::try_join_all;
use rustix::process::Signal;
use tempfile::TempDir;

use super::{
    config::{self, Addresses, Listeners},
    dice::Dice,
    ledger::Ledger,
    provider,
    proxy::Proxy,
};
use crate::{
    process::{Process, free_addresses},
    system::{answers, folder, rabbitmq::RabbitMq, redis::Redis},
};

/// What a process of ours does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Api,
    Worker,
    Delivery,
}

impl Role {
    pub(super) const ALL: [Self; 3] = [Self::Api, Self::Worker, Self::Delivery];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Worker => "worker",
            Self::Delivery => "delivery",
        }
    }
}

/// Processes of each role.
pub(super) const PER_ROLE: usize = 2;

/// A connection between processes that goes through a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Redis,
    RabbitMq,
    /// From the workers to the provider.
    Provider,
    /// From the provider to the delivery processes.
    Delivery,
}

#[derive(Debug)]
struct Proxies {
    redis: Proxy,
    rabbitmq: Proxy,
    provider: Proxy,
    delivery: Proxy,
}

/// Everything that runs. Dropping it ends the processes, then removes their folder.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) redis: Redis,
    pub(super) rabbitmq: RabbitMq,
    members: Vec<Member>,
    proxies: Proxies,
    pub(super) folder: TempDir,
}

impl Place {
    pub(super) async fn start(
        binary: &Path,
        dice: Dice,
        ledger: &Ledger,
        base: Option<&PathBuf>,
    ) -> anyhow::Result<Self> {
        let folder = folder(base)?;
        let (redis, rabbitmq) = tokio::try_join!(Redis::start(base), RabbitMq::start(base))?;
        let listeners = free_listeners()?;
        let receiving = listeners[Role::Delivery as usize];
        let delivery = Proxy::start(receiving.map(|one| one.delivery).to_vec()).await?;
        let provider = provider::start(dice, ledger.clone(), delivery.address).await?;
        let proxies = Proxies {
            redis: Proxy::start(vec![redis.address]).await?,
            rabbitmq: Proxy::start(vec![rabbitmq.address()]).await?,
            provider: Proxy::start(vec![provider]).await?,
            delivery,
        };
        let addresses = Addresses {
            redis: proxies.redis.address,
            rabbitmq: proxies.rabbitmq.address,
            provider: proxies.provider.address,
            delivery: proxies.delivery.address,
        };
        let mut members = Vec::new();
        for (role, listeners) in Role::ALL.into_iter().zip(listeners) {
            for (at, own) in listeners.into_iter().enumerate() {
                let folder = folder.path().join(format!("{}-{}", role.name(), at + 1));
                let text = config::text(addresses, own);
                members.push(Member::start(binary, role, own, folder, &text)?);
            }
        }
        try_join_all(members.iter_mut().map(Member::is_up)).await?;
        Ok(Self {
            redis,
            rabbitmq,
            members,
            proxies,
            folder,
        })
    }

    /// The process of a role with this number, counted round.
    pub(super) fn member(&mut self, role: Role, number: usize) -> anyhow::Result<&mut Member> {
        let mut ours = self.members.iter_mut().filter(|member| member.role == role);
        ours.nth(number % PER_ROLE).context("no such process")
    }

    pub(super) fn link(&self, link: Link) -> &Proxy {
        match link {
            Link::Redis => &self.proxies.redis,
            Link::RabbitMq => &self.proxies.rabbitmq,
            Link::Provider => &self.proxies.provider,
            Link::Delivery => &self.proxies.delivery,
        }
    }

    /// Where messages are handed over.
    pub(super) fn apis(&self) -> Vec<SocketAddr> {
        let apis = self.members.iter().filter(|one| one.role == Role::Api);
        apis.map(|one| one.listeners.grpc).collect()
    }

    /// Where metrics are read.
    pub(super) fn admins(&self) -> Vec<SocketAddr> {
        self.members.iter().map(|one| one.listeners.admin).collect()
    }
}

/// Ports for every process, which they keep over their lives.
fn free_listeners() -> anyhow::Result<[[Listeners; PER_ROLE]; Role::ALL.len()]> {
    let addresses: [SocketAddr; Role::ALL.len() * PER_ROLE * 3] = free_addresses()?;
    let of = |role: usize, at: usize| {
        let first = (role * PER_ROLE + at) * 3;
        Listeners {
            grpc: addresses[first],
            delivery: addresses[first + 1],
            admin: addresses[first + 2],
        }
    };
    Ok(std::array::from_fn(|role| {
        std::array::from_fn(|at| of(role, at))
    }))
}

/// A process of ours, over its lives.
#[derive(Debug)]
pub(super) struct Member {
    role: Role,
    binary: PathBuf,
    listeners: Listeners,
    folder: PathBuf,
    lives: u32,
    process: Process,
}

impl Member {
    fn start(
        binary: &Path,
        role: Role,
        listeners: Listeners,
        folder: PathBuf,
        configuration: &str,
    ) -> anyhow::Result<Self> {
        fs::create_dir(&folder)?;
        fs::write(folder.join("sms.toml"), configuration)?;
        Ok(Self {
            process: spawn(binary, role, &folder, 1)?,
            role,
            binary: binary.to_owned(),
            listeners,
            folder,
            lives: 1,
        })
    }

    /// Waits until it says that it is ready.
    async fn is_up(&mut self) -> anyhow::Result<()> {
        let admin = self.listeners.admin;
        let is_ready = |text: &str| text.starts_with("ok");
        self.process
            .wait_until(async || answers(admin, "/readyz", is_ready).await)
            .await
    }

    pub(super) async fn kill(&mut self) -> anyhow::Result<()> {
        self.process.signal(Signal::KILL)?;
        self.process.ended().await
    }

    /// Starts it again after a kill.
    pub(super) fn restart(&mut self) -> anyhow::Result<()> {
        self.lives += 1;
        self.process = spawn(&self.binary, self.role, &self.folder, self.lives)?;
        Ok(())
    }

    /// Makes it stand still, as a machine that is suspended.
    pub(super) fn freeze(&self) -> anyhow::Result<()> {
        self.process.signal(Signal::STOP)
    }

    pub(super) fn thaw(&self) -> anyhow::Result<()> {
        self.process.signal(Signal::CONT)
    }
}

/// Each life has its own log: `worker-1/2/worker.log`.
fn spawn(binary: &Path, role: Role, folder: &Path, life: u32) -> anyhow::Result<Process> {
    let own = folder.join(life.to_string());
    fs::create_dir(&own)?;
    let file = folder.join("sms.toml");
    let arguments = [
        "serve",
        "--role",
        role.name(),
        "--config",
        &*file.to_string_lossy(),
    ];
    Process::start(role.name(), binary, &arguments, &own)
}
