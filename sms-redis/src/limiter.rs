//! The limiter of all processes that use one Redis.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use redis::Value;
use sms_core::{Grant, Limiter, LimiterError, ProviderName, Throughput};

use crate::error::Failure;
use crate::keys::Keys;
use crate::script::{Run, Scripts};
use crate::servers::Servers;
use crate::slot::slot;
use crate::value;

/// How much of the throughput may be used at once after a pause: as much as the limiter of one
/// process lets through.
const BURST: Duration = Duration::from_millis(20);

/// Keeps the throughput of providers over all processes that use one Redis, by the generic cell
/// rate algorithm, to the microsecond of the server's clock.
///
/// Made by [`RedisStore::limiter`](crate::RedisStore::limiter).
#[derive(Clone)]
pub struct RedisLimiter {
    servers: Arc<Servers>,
    scripts: Arc<Scripts>,
    prefix: String,
}

impl fmt::Debug for RedisLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLimiter").finish_non_exhaustive()
    }
}

impl RedisLimiter {
    pub(crate) fn new(servers: Arc<Servers>, scripts: Arc<Scripts>, prefix: String) -> Self {
        Self {
            servers,
            scripts,
            prefix,
        }
    }

    async fn ask(
        &self,
        provider: &ProviderName,
        interval: Duration,
        want: u32,
    ) -> Result<Grant, Failure> {
        let key = Keys::limit(&self.prefix, provider);
        let nanos = interval.as_nanos();
        let run = Run::new(&self.scripts.limit, slot(key.as_bytes()), 1)
            .arg(key)
            .arg(format!("{}.{:03}", nanos / 1_000, nanos % 1_000))
            .arg(BURST.as_micros().to_string())
            .arg(want);
        let answers = self.servers.read(vec![run.request()]).await?;
        let answer = answers.into_iter().next().unwrap_or_default();
        let [granted, wait] = value::array(answer, "a grant")?
            .try_into()
            .map_err(|_: Vec<Value>| Failure::Answer("a grant"))?;
        let granted = value::int(granted, "a grant")?;
        let wait = value::int(wait, "a grant")?;
        Ok(Grant {
            granted: granted.try_into().map_err(|_| Failure::Answer("a grant"))?,
            wait: Duration::from_micros(wait.unsigned_abs()),
        })
    }
}

#[async_trait]
impl Limiter for RedisLimiter {
    async fn take(
        &self,
        provider: &ProviderName,
        throughput: Throughput,
        want: u32,
    ) -> Result<Grant, LimiterError> {
        let grant = self.ask(provider, throughput.interval(), want).await;
        grant.map_err(|failure| LimiterError(failure.into()))
    }
}
