//! How long it takes until everything flows again.

use std::{sync::Arc, time::Duration};

use anyhow::bail;
use tokio::time::{Instant, sleep};

use super::{ledger::Ledger, load::Sending};

/// The flow is measured over so long.
const WINDOW: Duration = Duration::from_millis(600);
/// Between two looks.
const STEP: Duration = Duration::from_millis(100);
/// The share of the load that must flow, at both ends. Less than all, because the provider holds
/// up some messages on purpose, and pauses when it throttles.
const SHARE: f64 = 0.6;

/// Looks at both ends: messages that are accepted, and submissions that reach the provider.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub(super) sending: Arc<Sending>,
    pub(super) ledger: Ledger,
    /// Messages per second.
    pub(super) rate: f64,
    /// For how long the flow may be away.
    pub(super) bound: Duration,
}

impl Flow {
    /// Waits until both ends flow for a whole window; says how long after now that window began.
    pub(super) async fn recovered(&self) -> anyhow::Result<Duration> {
        let mended = Instant::now();
        let mut looks = vec![self.look()];
        loop {
            sleep(STEP).await;
            let now = self.look();
            looks.push(now);
            let full = looks.iter().rev().find(|look| now.at - look.at >= WINDOW);
            if let Some(before) = full.filter(|before| self.flows(**before, now)) {
                return Ok(before.at - mended);
            }
            let elapsed = mended.elapsed();
            if elapsed > self.bound + WINDOW {
                bail!(
                    "does not recover within {:?}: in the last moments {} messages were accepted \
                     and {} submitted, of {} a second",
                    self.bound,
                    full.map_or(0, |before| now.accepted - before.accepted),
                    full.map_or(0, |before| now.submitted - before.submitted),
                    self.rate
                );
            }
        }
    }

    fn look(&self) -> Look {
        Look {
            at: Instant::now(),
            accepted: self.sending.counts().0,
            submitted: self.ledger.call_count(),
        }
    }

    fn flows(&self, before: Look, now: Look) -> bool {
        let least = self.rate * SHARE * (now.at - before.at).as_secs_f64();
        (now.accepted - before.accepted) as f64 >= least
            && (now.submitted - before.submitted) as f64 >= least
    }
}

#[derive(Clone, Copy, Debug)]
struct Look {
    at: Instant,
    accepted: usize,
    submitted: usize,
}
