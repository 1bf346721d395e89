//! The limiter over several connections.

use std::time::{Duration, Instant};

use sms_core::{Grant, Limiter, ProviderName, Throughput};
use sms_redis::RedisLimiter;

use crate::server::{Server, store_at};

/// Takes what it can for a while, as a worker does; how many were granted.
async fn work(limiter: &RedisLimiter, throughput: &str, period: Duration) -> u32 {
    let provider: ProviderName = "main".parse().unwrap();
    let throughput: Throughput = throughput.parse().unwrap();
    let end = Instant::now() + period;
    let mut total = 0;
    while Instant::now() < end {
        let Grant { granted, wait } = limiter.take(&provider, throughput, 50).await.unwrap();
        total += granted;
        let left = end.saturating_duration_since(Instant::now());
        tokio::time::sleep(wait.min(left)).await;
    }
    total
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_one_throughput() {
    let server = Server::start();
    for (throughput, per_second) in [("1000/s", 1_000.0), ("333/s", 333.0), ("600/min", 10.0)] {
        let url = format!("{}?prefix=t{per_second}", server.url());
        let (one, other) = (store_at(&url).await, store_at(&url).await);
        let (one, other) = (one.limiter(), other.limiter());
        let period = Duration::from_secs(2);
        let begin = Instant::now();
        let (by_one, by_other) = tokio::join!(
            work(&one, throughput, period),
            work(&other, throughput, period)
        );
        let seconds = begin.elapsed().as_secs_f64();
        let granted = f64::from(by_one + by_other);
        // What may be used at once, or one.
        let burst = (per_second * 0.02_f64).max(1.0);
        assert!(
            granted <= per_second * seconds + burst,
            "{throughput}: {granted} in {seconds} s"
        );
        assert!(
            granted >= per_second * 1.5,
            "{throughput}: {granted} in {seconds} s"
        );
        assert!(by_one > 0 && by_other > 0, "{by_one} and {by_other}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_does_not_save_up_a_burst_and_the_wait_is_told() {
    let server = Server::start();
    let limiter = store_at(&server.url()).await.limiter();
    let provider: ProviderName = "main".parse().unwrap();
    let other: ProviderName = "other".parse().unwrap();
    let five: Throughput = "5/s".parse().unwrap();
    limiter.take(&provider, five, 1).await.unwrap();
    tokio::time::sleep(Duration::from_millis(700)).await;
    let grant = limiter.take(&provider, five, 50).await.unwrap();
    assert_eq!((grant.granted, grant.wait), (1, Duration::ZERO));
    let grant = limiter.take(&provider, five, 50).await.unwrap();
    assert_eq!(grant.granted, 0);
    assert!(grant.wait <= Duration::from_millis(200), "{:?}", grant.wait);
    assert!(grant.wait > Duration::from_millis(50), "{:?}", grant.wait);
    // Every provider has a throughput of its own.
    let grant = limiter.take(&other, five, 50).await.unwrap();
    assert_eq!(grant.granted, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_server_nothing_is_granted() {
    let mut server = Server::start();
    let limiter = store_at(&format!("{}?timeout=300ms", server.url()))
        .await
        .limiter();
    server.kill();
    let provider: ProviderName = "main".parse().unwrap();
    let taken = limiter.take(&provider, "5/s".parse().unwrap(), 1).await;
    assert!(taken.is_err());
    server.run();
    let taken =
        crate::load::patient(async || limiter.take(&provider, "5/s".parse().unwrap(), 1).await);
    assert_eq!(taken.await.granted, 1);
}

/// A clock that was set back does not stop a provider.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_far_ahead_is_not_waited_for() {
    let server = Server::start();
    let limiter = store_at(&server.url()).await.limiter();
    server.ask(&["set", "sms:limit:main", "99999999999999999"]);
    let provider: ProviderName = "main".parse().unwrap();
    let ten: Throughput = "10/s".parse().unwrap();
    let grant = limiter.take(&provider, ten, 1).await.unwrap();
    assert!(grant.wait <= Duration::from_millis(101), "{grant:?}");
}
