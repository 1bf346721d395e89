//! `sms serve` over Redis and RabbitMQ, in one process or in one for each role.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use super::{Gateway, answers, bare::Servers, folder, provider};
use crate::{
    process::{Process, free_addresses},
    target::{Kind, Target},
};

/// The processes that serve, and where reports are posted to.
#[derive(Debug)]
pub(crate) struct Roles {
    pub(crate) gateway: Gateway,
    pub(crate) delivery: SocketAddr,
}

/// Which processes there are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Layout {
    /// One with all roles.
    Whole,
    /// One for each role, and so many workers.
    Roles { workers: usize },
}

impl Layout {
    fn roles(self) -> Vec<Option<&'static str>> {
        match self {
            Self::Whole => vec![None],
            Self::Roles { workers } => {
                let workers = std::iter::repeat_n("worker", workers);
                let all = ["api"].into_iter().chain(workers).chain(["delivery"]);
                all.map(Some).collect()
            }
        }
    }
}

struct Addresses {
    grpc: SocketAddr,
    delivery: SocketAddr,
}

/// Starts the processes and waits until each says that it is ready.
/// `prefix` tells their queues from those of other runs.
pub(crate) async fn start(
    binary: &Path,
    servers: Servers<'_>,
    prefix: &str,
    layout: Layout,
    base: Option<&PathBuf>,
) -> anyhow::Result<Roles> {
    let folder = folder(base)?;
    let [grpc, delivery] = free_addresses()?;
    let addresses = Addresses { grpc, delivery };
    let configuration = configuration(&addresses, servers, prefix);
    let mut processes = Vec::new();
    for role in layout.roles() {
        let number = processes.len().to_string();
        let own = folder.path().join(number);
        fs::create_dir(&own)?;
        processes.push(start_role(binary, role, &configuration, &own).await?);
    }
    Ok(Roles {
        gateway: Gateway {
            target: Target {
                kind: Kind::Grpc,
                address: grpc,
            },
            processes,
            store: folder.path().to_owned(),
            _folder: folder,
        },
        delivery,
    })
}

async fn start_role(
    binary: &Path,
    role: Option<&'static str>,
    configuration: &str,
    folder: &Path,
) -> anyhow::Result<Process> {
    let [admin] = free_addresses()?;
    let file = folder.join("sms.toml");
    fs::write(
        &file,
        format!("{configuration}\n[admin]\nlisten = \"{admin}\"\n"),
    )?;
    let file = file.to_string_lossy();
    let mut arguments = vec!["serve", "--config", &*file];
    arguments.extend(role.iter().flat_map(|role| ["--role", role]));
    let mut process = Process::start(role.unwrap_or("sms"), binary, &arguments, folder)?;
    let is_ready = |text: &str| text.starts_with("ok");
    process
        .wait_until(async || answers(admin, "/readyz", is_ready).await)
        .await?;
    Ok(process)
}

/// The defaults of the server, but for the addresses.
fn configuration(addresses: &Addresses, servers: Servers<'_>, prefix: &str) -> String {
    let Addresses { grpc, delivery } = addresses;
    let Servers {
        redis,
        amqp,
        provider,
    } = servers;
    format!(
        r#"store = "{redis}"
queue = "{amqp}?prefix={prefix}"

[grpc]
listen = "{grpc}"

[delivery]
listen = "{delivery}"
public_url = "http://{delivery}"

{provider}"#,
        provider = provider::configured(provider),
    )
}
