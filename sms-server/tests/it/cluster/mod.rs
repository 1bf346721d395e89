//! Processes of one role each, over a real Redis and a real RabbitMQ.

mod dead_letters;
mod outages;
mod restarts;
mod throughput;
mod whole_way;

use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use sms_provider_http::sandbox::{Sandbox, SandboxConfig};
use tempfile::TempDir;

use crate::redis_server::{Server as Redis, fresh_prefix};
use crate::server::{PATIENCE, Server, free_port, get};

/// The Redis of the tests that leave it alone; each has a prefix of its own.
fn shared_redis() -> String {
    static REDIS: OnceLock<Redis> = OnceLock::new();
    REDIS.get_or_init(Redis::start).url()
}

/// Where the processes of one test find each other.
struct Cluster {
    folder: TempDir,
}

impl Cluster {
    /// Over the shared Redis and this broker.
    fn new(broker: &str, providers: &str) -> Self {
        Self::over(&shared_redis(), broker, providers)
    }

    /// Over this Redis and this broker.
    fn over(redis: &str, broker: &str, providers: &str) -> Self {
        let prefix = format!("cluster-{}-{}", std::process::id(), fresh_prefix());
        let delivery = free_port();
        let config = format!(
            "store = \"{redis}?prefix={prefix}&timeout=2s\"\n\
             queue = \"{broker}?prefix={prefix}&timeout=2s\"\n\
             [retry]\nbase = \"200ms\"\ncap = \"1s\"\n\
             [delivery]\nlisten = \"127.0.0.1:{delivery}\"\n\
             [startup]\nstore_timeout = \"30s\"\n{providers}"
        );
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("sms.toml"), config).unwrap();
        Self { folder }
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts a process; one that takes messages does so at a port of its own.
    fn start(&self, role: &str) -> Server {
        self.start_at(role, 0)
    }

    /// Starts a process that takes messages at this port.
    fn start_at(&self, role: &str, port: u16) -> Server {
        let grpc = format!("127.0.0.1:{port}");
        let variables = [
            ("SMS__GRPC__LISTEN", grpc.as_str()),
            ("SMS__ADMIN__LISTEN", "127.0.0.1:0"),
        ];
        Server::spawn(
            self.folder(),
            &["serve", "--json", "--role", role],
            &variables,
        )
    }
}

async fn sandbox() -> Sandbox {
    let config = SandboxConfig {
        report_delay: Duration::from_millis(20)..=Duration::from_millis(200),
        ..SandboxConfig::default()
    };
    Sandbox::start(config).await.unwrap()
}

/// A section for a provider that hands its messages to a sandbox.
fn provider(name: &str, sandbox: &Sandbox, more: &str) -> String {
    format!(
        "[[provider]]\nname = \"{name}\"\nkind = \"megafon\"\nurl = \"{}\"\nfrom = \"Test\"\n\
         login = \"sandbox\"\npassword = \"sandbox\"\ntimeout = \"5s\"\n{more}\n",
        sandbox.url()
    )
}

/// Waits until something is so.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it never came to this: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The value of a metric, by its name and labels.
fn metric(server: &Server, name: &str) -> Option<f64> {
    let (_, text) = get(&server.admin, "/metrics");
    let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
    text.lines().find_map(value)
}

/// Sends so many messages and gives their ids.
fn send_many(api: &Server, count: usize, provider: &str) -> Vec<String> {
    let send = |number| {
        let text = format!("message {number}");
        let arguments = ["send", "-q", "--provider", provider, "+79991234567", &text];
        api.says(&arguments).trim().to_owned()
    };
    (0..count).map(send).collect()
}

fn state(api: &Server, id: &str) -> String {
    let status: &Value = &api.json(&["status", id])[0];
    status["state"].as_str().unwrap().to_owned()
}

fn how_many(api: &Server, state: &str) -> usize {
    api.json(&["list", "--all", "--state", state]).len()
}
