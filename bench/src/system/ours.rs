//! `sms serve`: one process with SQLite and the MegaFon provider.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};

use super::{Gateway, answers, folder, provider};
use crate::{
    process::{Process, free_addresses},
    target::{Kind, Target},
};

/// The binary as users get it: the given one, or else one that cargo builds now.
pub(crate) fn binary(given: Option<&PathBuf>) -> anyhow::Result<PathBuf> {
    if let Some(given) = given {
        return fs::canonicalize(given).with_context(|| format!("{}", given.display()));
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--profile", "dist", "--package", "sms-server"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .context("cannot run cargo; name a built binary with --sms")?;
    ensure!(status.success(), "sms-server does not build");
    // This program is in the same target folder, in the folder of its own profile.
    let here = std::env::current_exe().context("where is this program?")?;
    let target = here.ancestors().nth(2).context("no target folder")?;
    let binary = target.join("dist/sms");
    ensure!(
        binary.is_file(),
        "{} is missing; name a built binary with --sms",
        binary.display()
    );
    Ok(binary)
}

struct Ports {
    grpc: SocketAddr,
    delivery: SocketAddr,
    admin: SocketAddr,
}

/// Starts it and waits until it says that it is ready.
pub(crate) async fn start(
    binary: &Path,
    provider: SocketAddr,
    base: Option<&PathBuf>,
) -> anyhow::Result<Gateway> {
    let folder = folder(base)?;
    let [grpc, delivery, admin] = free_addresses()?;
    let ports = Ports {
        grpc,
        delivery,
        admin,
    };
    let store = folder.path().join("sms.db");
    let file = folder.path().join("sms.toml");
    fs::write(&file, configuration(&ports, provider, &store))?;
    let file = file.to_string_lossy();
    let arguments = ["serve", "--config", &*file];
    let mut process = Process::start("sms", binary, &arguments, folder.path())?;
    process
        .wait_until(async || answers(admin, "/readyz", |_| true).await)
        .await?;
    Ok(Gateway {
        target: Target {
            kind: Kind::Grpc,
            address: grpc,
        },
        processes: vec![process],
        store: folder.path().to_owned(),
        _folder: folder,
    })
}

/// The defaults of the server, but for the addresses.
fn configuration(ports: &Ports, provider: SocketAddr, store: &Path) -> String {
    let Ports {
        grpc,
        delivery,
        admin,
    } = ports;
    format!(
        r#"store = "sqlite:{store}"

[grpc]
listen = "{grpc}"

[delivery]
listen = "{delivery}"
public_url = "http://{delivery}"

[admin]
listen = "{admin}"

{provider}"#,
        store = store.display(),
        provider = provider::configured(provider),
    )
}
