//! Kannel: a bearerbox with one HTTP connection to the provider, and a smsbox before it.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use super::{Gateway, answers, folder, program};
use crate::{
    process::{Process, free_addresses},
    provider::KANNEL_PATH,
    target::{KANNEL_USER, Kind, Target},
};

/// How Kannel is tuned.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Tuning {
    /// Kannel's `max-pending-submits`: requests to the provider at once, a connection for each.
    #[arg(long, default_value_t = 10)]
    kannel_pending: u32,
    /// Kannel's dialect towards the provider; `generic` is the cheaper one.
    #[arg(long, default_value = "generic", value_parser = ["generic", "kannel"])]
    kannel_dialect: String,
    /// Kannel's `store-type`: a file for each message, or one file that each message is
    /// appended to. Both write before they accept, and neither calls fsync.
    #[arg(long, default_value = "spool", value_parser = ["spool", "file"])]
    kannel_store: String,
}

/// Kannel's two programs.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    bearerbox: PathBuf,
    smsbox: PathBuf,
}

impl Programs {
    /// The installed ones; an error that says how to install them.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let find = |name| program(name, "apt-get install kannel");
        Ok(Self {
            bearerbox: find("bearerbox")?,
            smsbox: find("smsbox")?,
        })
    }
}

struct Ports {
    admin: SocketAddr,
    smsbox: SocketAddr,
    send: SocketAddr,
    inbound: SocketAddr,
}

/// Starts both and waits until each says that it is connected.
pub(crate) async fn start(
    programs: &Programs,
    tuning: &Tuning,
    provider: SocketAddr,
    base: Option<&PathBuf>,
) -> anyhow::Result<Gateway> {
    let folder = folder(base)?;
    let [admin, smsbox, send, inbound] = free_addresses()?;
    let ports = Ports {
        admin,
        smsbox,
        send,
        inbound,
    };
    let store = store(tuning, folder.path())?;
    let file = folder.path().join("kannel.conf");
    fs::write(&file, configuration(tuning, &ports, provider, &store))?;
    let file = file.to_string_lossy();
    // `-v 4`: nothing below a panic goes to the terminal.
    let arguments = ["-v", "4", &*file];
    let path = folder.path();
    let mut bearerbox = Process::start("bearerbox", &programs.bearerbox, &arguments, path)?;
    let is_online = async || answers(admin, "/status.txt", |text| text.contains("(online")).await;
    bearerbox.wait_until(is_online).await?;
    let mut smsbox = Process::start("smsbox", &programs.smsbox, &arguments, path)?;
    let has_box = |text: &str| text.contains("smsbox:");
    let is_joined = async || answers(admin, "/status.txt", has_box).await;
    smsbox.wait_until(is_joined).await?;
    let is_listening = async || tokio::net::TcpStream::connect(send).await.is_ok();
    smsbox.wait_until(is_listening).await?;
    Ok(Gateway {
        target: Target {
            kind: Kind::Kannel,
            address: send,
        },
        processes: vec![bearerbox, smsbox],
        store,
        _folder: folder,
    })
}

fn store(tuning: &Tuning, folder: &Path) -> anyhow::Result<PathBuf> {
    let store = folder.join("store");
    if tuning.kannel_store == "spool" {
        fs::create_dir(&store)?;
    }
    Ok(store)
}

/// Logs hold warnings only and there is no access log: both would cost a line per message.
fn configuration(tuning: &Tuning, ports: &Ports, provider: SocketAddr, store: &Path) -> String {
    format!(
        r#"group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = {KANNEL_USER}
smsbox-port = {smsbox}
smsbox-interface = 127.0.0.1
box-allow-ip = "127.0.0.1"
log-level = 2
store-type = {store_type}
store-location = "{store}"

group = smsc
smsc = http
smsc-id = bench
port = {inbound}
{dialect}
smsc-username = {KANNEL_USER}
smsc-password = {KANNEL_USER}
max-pending-submits = {pending}
log-level = 2

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {send}
sendsms-interface = 127.0.0.1
log-level = 2

group = sendsms-user
username = {KANNEL_USER}
password = {KANNEL_USER}
default-sender = Bench
max-messages = 1
"#,
        admin = ports.admin.port(),
        smsbox = ports.smsbox.port(),
        send = ports.send.port(),
        inbound = ports.inbound.port(),
        store_type = tuning.kannel_store,
        store = store.display(),
        dialect = dialect(&tuning.kannel_dialect, provider),
        pending = tuning.kannel_pending,
    )
}

fn dialect(name: &str, provider: SocketAddr) -> String {
    let url = format!("http://{provider}{KANNEL_PATH}");
    if name == "kannel" {
        return format!("system-type = kannel\nsend-url = \"{url}\"");
    }
    // %p is the recipient, %b the text.
    format!(
        "system-type = generic\nsend-url = \"{url}?to=%p&text=%b\"\nstatus-success-regex = \"^0:\""
    )
}
