//! The load generator's view of the provider.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, ensure};
use hyper::{Method, StatusCode};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::{arrivals::Stats, http::Connection};

/// How often the provider is asked while messages are still on their way. Arrival times come
/// from the provider's notes, so this only costs a little CPU time.
const POLL: Duration = Duration::from_millis(50);
/// A gateway that hands over nothing for so long has lost what is missing. Longer than the
/// interval at which Kannel looks at failed messages again (`sms-resend-freq`, 60 s).
const STALL: Duration = Duration::from_secs(90);

/// A connection to a running `sms-bench provider`.
#[derive(Debug)]
pub(crate) struct Sink {
    connection: Connection,
}

impl Sink {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            connection: Connection::new(address),
        }
    }

    /// Forgets all arrivals.
    pub(crate) async fn reset(&mut self) -> anyhow::Result<()> {
        self.ask(Method::POST, "/reset").await
    }

    /// Sums so far.
    pub(crate) async fn stats(&mut self) -> anyhow::Result<Stats> {
        self.ask(Method::GET, "/stats").await
    }

    /// First arrival of each message in microseconds; 0 for one that did not come.
    pub(crate) async fn arrivals(&mut self) -> anyhow::Result<Vec<u64>> {
        self.ask(Method::GET, "/arrivals").await
    }

    /// Waits until `messages` different messages have come, or no more come.
    pub(crate) async fn wait(&mut self, messages: usize) -> anyhow::Result<Stats> {
        let mut last = self.stats().await?;
        let mut moved = Instant::now();
        while last.distinct < messages as u64 && moved.elapsed() < STALL {
            tokio::time::sleep(POLL).await;
            let now = self.stats().await?;
            if now != last {
                moved = Instant::now();
            }
            last = now;
        }
        Ok(last)
    }

    async fn ask<T: DeserializeOwned>(&mut self, method: Method, path: &str) -> anyhow::Result<T> {
        let answer = self.connection.ask(method, path).await;
        let (status, body) = answer.with_context(|| format!("provider {path}"))?;
        ensure!(status == StatusCode::OK, "provider {path}: {status}");
        serde_json::from_slice(&body).with_context(|| format!("provider {path}"))
    }
}
