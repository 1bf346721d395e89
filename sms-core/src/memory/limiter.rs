//! The limiter of one process.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::{Grant, Limiter, LimiterError, ProviderName, Throughput};

/// How much of the throughput may be used at once after a pause. Short, so that a provider that
/// counts by the second sees no more than its throughput in any second but the first.
const BURST: Duration = Duration::from_millis(20);

/// Keeps the throughput of providers within this process: the generic cell rate algorithm, which
/// remembers one point in time per provider.
#[derive(Debug, Default)]
pub struct LocalLimiter {
    /// For each provider, when the submissions granted so far are paid off.
    paid_off_at: Mutex<HashMap<ProviderName, Instant>>,
}

impl LocalLimiter {
    /// A limiter that has granted nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Limiter for LocalLimiter {
    async fn take(
        &self,
        provider: &ProviderName,
        throughput: Throughput,
        want: u32,
    ) -> Result<Grant, LimiterError> {
        let mut paid_off_at = self
            .paid_off_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let at = paid_off_at.entry(provider.clone()).or_insert(now);
        let (grant, paid_off) = grant(now, *at, throughput.interval(), want);
        *at = paid_off;
        Ok(grant)
    }
}

fn grant(now: Instant, paid_off_at: Instant, interval: Duration, want: u32) -> (Grant, Instant) {
    let base = paid_off_at.max(now);
    let allowed = now + BURST;
    if base > now && base + interval > allowed {
        let wait = (base - now).min((base + interval).saturating_duration_since(allowed));
        let wait = wait.max(Duration::from_millis(1));
        return (Grant { granted: 0, wait }, paid_off_at);
    }
    let room = allowed.saturating_duration_since(base).as_nanos() / interval.as_nanos().max(1);
    let granted = want.min(u32::try_from(room).unwrap_or(u32::MAX).max(1));
    let wait = Duration::ZERO;
    (Grant { granted, wait }, base + interval * granted)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn granted_within(throughput: &str, period: Duration) -> u32 {
        let limiter = LocalLimiter::new();
        let provider = "main".parse().unwrap();
        let throughput = throughput.parse().unwrap();
        let end = Instant::now() + period;
        let mut total = 0;
        while Instant::now() < end {
            let Grant { granted, wait } = limiter.take(&provider, throughput, 50).await.unwrap();
            total += granted;
            tokio::time::sleep(wait).await;
        }
        total
    }

    #[tokio::test(start_paused = true)]
    async fn the_throughput_is_kept_and_used() {
        for (throughput, expected) in [("5/s", 50), ("300/min", 50), ("1000/s", 10_000)] {
            let granted = granted_within(throughput, Duration::from_secs(10)).await;
            let most = expected + expected / 500 + 1;
            assert!(
                (expected..=most).contains(&granted),
                "{throughput}: {granted} in 10 s"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_does_not_save_up_a_burst() {
        let limiter = LocalLimiter::new();
        let provider = "main".parse().unwrap();
        let five = "5/s".parse().unwrap();
        limiter.take(&provider, five, 1).await.unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        let grant = limiter.take(&provider, five, 50).await.unwrap();
        assert_eq!(grant.granted, 1);
    }
}
