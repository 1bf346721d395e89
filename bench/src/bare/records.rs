//! The messages, one hash of Redis each.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use redis::{
    AsyncConnectionConfig, Client, IntoConnectionInfo as _, Script, aio::MultiplexedConnection,
    io::tcp::TcpSettings,
};

use super::hints::Hint;

/// The library's own half second is less than a disk may take for a sync.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sets the state if it is the expected one.
const CHANGE: &str = "
if redis.call('HGET', KEYS[1], 'state') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'state', ARGV[2])
return 1
";

/// One connection that all callers share, their commands pipelined.
#[derive(Clone, Debug)]
pub(super) struct Records {
    connection: MultiplexedConnection,
    change: Arc<Script>,
}

impl Records {
    pub(super) async fn connect(url: &str) -> anyhow::Result<Self> {
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
        let tcp = TcpSettings::default().set_nodelay(true);
        let server = url.into_connection_info().context("--redis")?;
        let client = Client::open(server.set_tcp_settings(tcp)).context("--redis")?;
        let connecting = client.get_multiplexed_async_connection_with_config(&config);
        Ok(Self {
            connection: connecting.await.context("cannot connect to Redis")?,
            change: Arc::new(Script::new(CHANGE)),
        })
    }

    /// Writes a new message.
    pub(super) async fn insert(&mut self, message: &Hint) -> anyhow::Result<()> {
        let mut command = redis::cmd("HSET");
        command
            .arg(&message.key)
            .arg(&[("state", "queued"), ("to", &message.to)])
            .arg(&[("text", &message.text)]);
        let written = command.exec_async(&mut self.connection).await;
        written.context("Redis did not write")
    }

    /// Compares and sets the state of a message; false if it was another one.
    pub(super) async fn change(&mut self, key: &str, from: &str, to: &str) -> anyhow::Result<bool> {
        let mut invocation = self.change.key(key);
        invocation.arg(from).arg(to);
        let changed = invocation.invoke_async(&mut self.connection).await;
        changed.context("Redis did not compare and set")
    }
}
