//! The systems that are measured: a provider and the gateways that send to it, each started in
//! its own temporary folder on free ports.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context as _;
use hyper::Method;
use tempfile::TempDir;

use crate::{http::Connection, process::Process, target::Target};

pub(crate) mod bare;
pub(crate) mod kannel;
pub(crate) mod ours;
pub(crate) mod provider;
pub(crate) mod rabbitmq;
pub(crate) mod redis;
pub(crate) mod roles;

/// Where Debian and a build from source put programs, beside what `PATH` names.
const PROGRAM_FOLDERS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// A running gateway. Dropping it ends its processes, then removes its folder.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) target: Target,
    pub(crate) processes: Vec<Process>,
    /// File or folder where the gateway keeps its messages.
    pub(crate) store: PathBuf,
    /// Held for its drop.
    pub(crate) _folder: TempDir,
}

/// A fresh folder below `base`, or below the system's folder for temporary files.
pub(crate) fn folder(base: Option<&PathBuf>) -> anyhow::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("sms-bench-");
    match base {
        Some(base) => builder
            .tempdir_in(base)
            .with_context(|| format!("no folder in {}", base.display())),
        None => builder.tempdir().context("no temporary folder"),
    }
}

/// Whether `path` is answered with 200 and a body that `is_ready` likes.
pub(crate) async fn answers(
    address: SocketAddr,
    path: &str,
    is_ready: impl Fn(&str) -> bool,
) -> bool {
    match Connection::new(address).ask(Method::GET, path).await {
        Ok((status, body)) => status.is_success() && is_ready(&String::from_utf8_lossy(&body)),
        Err(_) => false,
    }
}

/// An installed program; an error that says how to install it.
fn program(name: &str, install: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(PROGRAM_FOLDERS.map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .with_context(|| format!("{name} is not installed; on Debian: {install}"))
}
