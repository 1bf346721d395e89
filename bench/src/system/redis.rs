//! A Redis server that keeps what it confirms.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context as _;
use redis::{Client, aio::MultiplexedConnection};
use rustix::process::Signal;
use tempfile::TempDir;

use super::{folder, program};
use crate::process::{Process, free_addresses};

/// A running `redis-server`.
#[derive(Debug)]
pub(crate) struct Redis {
    pub(crate) url: String,
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
    connection: MultiplexedConnection,
    folder: TempDir,
}

impl Redis {
    /// Starts one with an append-only file that is on the disk before a write is answered.
    pub(crate) async fn start(base: Option<&PathBuf>) -> anyhow::Result<Self> {
        let folder = folder(base)?;
        let [address] = free_addresses()?;
        let mut process = Self::spawn(address, &folder)?;
        let url = format!("redis://{address}/0");
        let connection = connected(&url, &mut process).await?;
        Ok(Self {
            url,
            address,
            process,
            connection,
            folder,
        })
    }

    /// Like a power failure, except that the disk keeps what the kernel has.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        self.process.signal(Signal::KILL)?;
        self.process.ended().await
    }

    /// Starts it again after a kill, with what it had confirmed.
    pub(crate) async fn restart(&mut self) -> anyhow::Result<()> {
        self.process = Self::spawn(self.address, &self.folder)?;
        self.connection = connected(&self.url, &mut self.process).await?;
        Ok(())
    }

    /// Runs a command that answers nothing of interest.
    pub(crate) async fn command(&mut self, words: &[&str]) -> anyhow::Result<()> {
        let (name, arguments) = words.split_first().context("no command")?;
        let command = redis::cmd(name).arg(arguments).take();
        let done = command.exec_async(&mut self.connection).await;
        done.with_context(|| words.join(" "))
    }

    fn spawn(address: SocketAddr, folder: &TempDir) -> anyhow::Result<Process> {
        let port = address.port().to_string();
        let arguments = [
            ["--bind", "127.0.0.1"],
            ["--port", &port],
            ["--appendonly", "yes"],
            ["--appendfsync", "always"],
            ["--maxmemory-policy", "noeviction"],
            ["--save", ""],
            // A rewrite of the file would fall into one run and not into another.
            ["--auto-aof-rewrite-percentage", "0"],
        ];
        let program = program("redis-server", "apt-get install redis-server")?;
        Process::start("redis", &program, arguments.as_flattened(), folder.path())
    }

    /// Forgets everything.
    pub(crate) async fn flush(&mut self) -> anyhow::Result<()> {
        let command = redis::cmd("FLUSHALL");
        let flushed = command.exec_async(&mut self.connection).await;
        flushed.context("FLUSHALL")
    }

    /// Bytes of memory in use.
    pub(crate) async fn used_memory(&mut self) -> anyhow::Result<u64> {
        let asked = redis::cmd("INFO").arg("memory").take();
        let text: String = asked.query_async(&mut self.connection).await?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("used_memory:"));
        let bytes = line.context("INFO does not tell the memory in use")?;
        Ok(bytes.trim().parse()?)
    }
}

async fn connected(url: &str, process: &mut Process) -> anyhow::Result<MultiplexedConnection> {
    let client = Client::open(url)?;
    let mut connection = None;
    let connect = async || {
        let made = client.get_multiplexed_async_connection().await;
        connection = made.ok();
        connection.is_some()
    };
    process.wait_until(connect).await?;
    connection.context("no connection to Redis")
}
