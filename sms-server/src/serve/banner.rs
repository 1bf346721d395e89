//! What a person at a terminal, or a script, is told once the server is up.

use std::net::SocketAddr;

use serde_json::json;

use super::role::Roles;
use crate::config::show::mask_backend_url;
use crate::config::{Config, Loaded};

/// What there is to tell.
pub(crate) struct Banner<'a> {
    pub(crate) loaded: &'a Loaded,
    pub(crate) roles: Roles,
    pub(crate) grpc: Option<SocketAddr>,
    pub(crate) delivery: Option<SocketAddr>,
    pub(crate) admin: SocketAddr,
    pub(crate) providers: Vec<String>,
    pub(crate) sandbox: Option<SocketAddr>,
}

impl Banner<'_> {
    fn config(&self) -> &Config {
        &self.loaded.config
    }

    /// One line for machines. Keys are only ever added.
    pub(crate) fn json(&self) -> String {
        json!({
            "event": "listening",
            "roles": self.roles.names(),
            "grpc": self.grpc.map(|address| address.to_string()),
            "delivery": self.delivery.map(|address| address.to_string()),
            "admin": self.admin.to_string(),
            "sandbox": self.sandbox.map(|address| address.to_string()),
            "store": mask_backend_url(&self.config().store),
            "queue": mask_backend_url(&self.config().queue),
            "providers": self.providers,
            "pid": std::process::id(),
        })
        .to_string()
    }

    /// The same as one entry of the log.
    pub(crate) fn log(&self) {
        let address = |address: Option<SocketAddr>| address.map(tracing::field::display);
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            roles = self.roles.names().join(","),
            grpc = address(self.grpc),
            delivery = address(self.delivery),
            admin = %self.admin,
            sandbox = address(self.sandbox),
            store = mask_backend_url(&self.config().store),
            queue = mask_backend_url(&self.config().queue),
            providers = self.providers.join(","),
            "listening"
        );
    }

    /// Several lines for people.
    pub(crate) fn text(&self) -> String {
        let mut lines = vec![
            format!("sms {} is up", env!("CARGO_PKG_VERSION")),
            String::new(),
        ];
        if !self.roles.are_all() {
            lines.push(row("roles", &self.roles.names().join(", ")));
        }
        let scheme = match self.config().grpc.tls {
            Some(_) => "gRPC with TLS",
            None => "gRPC",
        };
        if let Some(address) = self.grpc {
            lines.push(row("messages", &format!("{address}  ({scheme})")));
        }
        if let Some(address) = self.delivery {
            lines.push(row("reports", &format!("http://{address}/callback")));
        }
        let paths = "/livez, /readyz, /metrics";
        lines.push(row("health", &format!("http://{}  ({paths})", self.admin)));
        lines.push(row("store", &mask_backend_url(&self.config().store)));
        if self.config().queue != Config::default().queue {
            lines.push(row("queue", &mask_backend_url(&self.config().queue)));
        }
        lines.push(row("provider", &self.provider()));
        let config = match &self.loaded.file {
            Some(file) => file.display().to_string(),
            None => "defaults (`sms config init` prints a file to begin with)".into(),
        };
        lines.push(row("config", &config));
        lines.push(String::new());
        lines.extend(self.try_next());
        lines.push("Stop with Ctrl-C.".into());
        lines.push(String::new());
        lines.join("\n")
    }

    fn provider(&self) -> String {
        let names = self.providers.join(", ");
        if !self.config().provider.is_empty() {
            return names;
        }
        match self.sandbox {
            Some(_) => format!("{names}  (built in: reports deliveries, but sends nothing)"),
            None => format!("{names}  (built in, run by workers: sends nothing)"),
        }
    }

    fn try_next(&self) -> Vec<String> {
        let Some(address) = self.grpc else {
            return Vec::new();
        };
        let usual = Config::default().grpc.listen;
        // A client in the same folder reads the same file.
        let known = address == usual
            || (self.loaded.file.is_some() && address.port() == self.config().grpc.listen.port());
        let server = match known {
            true => String::new(),
            false => format!("--server http://{address} "),
        };
        vec![
            "Try, in another terminal:".into(),
            format!("  sms send {server}--wait +79991234567 \"Hi\""),
            String::new(),
        ]
    }
}

fn row(name: &str, value: &str) -> String {
    format!("  {name:<10}{value}")
}
