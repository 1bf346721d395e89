//! A RabbitMQ broker.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::Context as _;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::{net::TcpStream, process::Command};

use super::{folder, program};
use crate::process::{Process, free_addresses};

/// Runs the broker until its standard input ends, which it does when this program ends, however
/// that happens. What is started here is of one process group.
const KEEPER: &str = r#"
epmd -address 127.0.0.1 &
"$1" </dev/null &
read _
kill -9 0
"#;

/// A running `rabbitmq-server`.
#[derive(Debug)]
pub(crate) struct RabbitMq {
    pub(crate) url: String,
    pub(crate) process: Process,
    addresses: Addresses,
    folder: TempDir,
}

#[derive(Clone, Copy, Debug)]
struct Addresses {
    listen: SocketAddr,
    mapper: SocketAddr,
    distribution: SocketAddr,
}

impl RabbitMq {
    /// Starts one as it comes, on ports of its own.
    pub(crate) async fn start(base: Option<&PathBuf>) -> anyhow::Result<Self> {
        let folder = folder(base)?;
        let [listen, mapper, distribution] = free_addresses()?;
        let addresses = Addresses {
            listen,
            mapper,
            distribution,
        };
        Ok(Self {
            url: format!("amqp://guest:guest@{listen}/%2f"),
            process: serving(folder.path(), &addresses).await?,
            addresses,
            folder,
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.addresses.listen
    }

    /// Like a power failure, except that the disk keeps what the kernel has.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        self.process.signal_group(Signal::KILL)?;
        self.process.ended().await
    }

    /// Starts it again after a kill.
    pub(crate) async fn restart(&mut self) -> anyhow::Result<()> {
        self.process = serving(self.folder.path(), &self.addresses).await?;
        Ok(())
    }
}

async fn serving(folder: &Path, addresses: &Addresses) -> anyhow::Result<Process> {
    let command = command(folder, addresses)?;
    let mut process = Process::spawn("rabbitmq", command, folder)?;
    let is_listening = async || TcpStream::connect(addresses.listen).await.is_ok();
    process.wait_until(is_listening).await?;
    Ok(process)
}

fn command(folder: &Path, addresses: &Addresses) -> anyhow::Result<Command> {
    let listen = addresses.listen;
    let config = format!("listeners.tcp.1 = {listen}\nlog.file.level = warning\n");
    fs::write(folder.join("rabbitmq.conf"), config)?;
    fs::write(folder.join("plugins"), "[].")?;
    let server = server()?;
    let mut command = Command::new("sh");
    command
        .args(["-c", KEEPER, "sh"])
        .arg(server)
        .env("HOME", folder)
        .env("ERL_EPMD_PORT", addresses.mapper.port().to_string())
        .env(
            "RABBITMQ_NODENAME",
            format!("bench{}@localhost", listen.port()),
        )
        .env(
            "RABBITMQ_DIST_PORT",
            addresses.distribution.port().to_string(),
        )
        .env("RABBITMQ_MNESIA_BASE", folder.join("mnesia"))
        .env("RABBITMQ_LOG_BASE", folder.join("log"))
        .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq.conf"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("plugins"))
        .env("RABBITMQ_PID_FILE", folder.join("pid"))
        .process_group(0)
        .stdin(Stdio::piped());
    Ok(command)
}

/// The script behind Debian's wrapper, which insists on a user of its own; elsewhere what is on
/// the path.
fn server() -> anyhow::Result<PathBuf> {
    let packaged = fs::read_dir("/usr/lib/rabbitmq/lib").into_iter().flatten();
    let found = packaged
        .flatten()
        .map(|entry| entry.path().join("sbin/rabbitmq-server"))
        .find(|script| script.is_file());
    match found {
        Some(script) => Ok(script),
        None => program("rabbitmq-server", "apt-get install rabbitmq-server").context("RabbitMQ"),
    }
}
