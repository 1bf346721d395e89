//! The bare program in its own process.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;

use super::{answers, folder, provider::CONCURRENCY};
use crate::process::{Process, free_addresses};

/// A running `sms-bench bare`.
#[derive(Debug)]
pub(crate) struct Bare {
    /// Where it takes orders.
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
    /// Held for its drop.
    _folder: TempDir,
}

/// What it works with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Servers<'a> {
    pub(crate) redis: &'a str,
    pub(crate) amqp: &'a str,
    pub(crate) provider: SocketAddr,
}

impl Bare {
    /// Starts this same program with its `bare` command; `queue` is its own.
    pub(crate) async fn start(
        servers: Servers<'_>,
        queue: &str,
        base: Option<&PathBuf>,
    ) -> anyhow::Result<Self> {
        let folder = folder(base)?;
        let [address] = free_addresses()?;
        let program = std::env::current_exe().context("where is this program?")?;
        let (listen, provider) = (address.to_string(), servers.provider.to_string());
        let concurrency = CONCURRENCY.to_string();
        let arguments = [
            ["--listen", &listen],
            ["--redis", servers.redis],
            ["--amqp", servers.amqp],
            ["--provider", &provider],
            ["--queue", queue],
            ["--concurrency", &concurrency],
        ];
        let arguments = [&["bare"], arguments.as_flattened()].concat();
        let mut process = Process::start("bare", &program, &arguments, folder.path())?;
        process
            .wait_until(async || answers(address, "/", |_| true).await)
            .await?;
        Ok(Self {
            address,
            process,
            _folder: folder,
        })
    }
}
