//! The provider in its own process.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;

use super::{answers, folder};
use crate::{
    process::{Process, free_addresses},
    provider::MEGAFON_PATH,
};

/// A running `sms-bench provider`.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
    /// Held for its drop.
    _folder: TempDir,
}

impl Provider {
    /// Starts this same program with its `provider` command.
    pub(crate) async fn start(base: Option<&PathBuf>) -> anyhow::Result<Self> {
        let folder = folder(base)?;
        let [address] = free_addresses()?;
        let program = std::env::current_exe().context("where is this program?")?;
        let listen = address.to_string();
        let arguments = ["provider", "--listen", &listen];
        let mut process = Process::start("provider", &program, &arguments, folder.path())?;
        process
            .wait_until(async || answers(address, "/stats", |_| true).await)
            .await?;
        Ok(Self {
            address,
            process,
            _folder: folder,
        })
    }
}

/// Messages under way to the provider at once: more than ever are. The same for all programs.
pub(crate) const CONCURRENCY: u16 = 256;

/// The provider at this address in the configuration of `sms serve`. No throughput: as fast as it
/// can.
pub(crate) fn configured(address: SocketAddr) -> String {
    format!(
        r#"[[provider]]
name = "main"
kind = "megafon"
url = "http://{address}{MEGAFON_PATH}"
from = "Bench"
concurrency = {CONCURRENCY}
login = "bench"
password = "bench"
"#
    )
}
