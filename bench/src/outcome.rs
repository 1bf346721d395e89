//! What one run came to.

use std::fmt;

use anyhow::ensure;
use serde::Serialize;

use crate::{arrivals::Stats, load::Sent, percentiles::Percentiles};

/// Throughput and latency of one run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) messages: usize,
    /// Messages per second until the last was accepted.
    pub(crate) accepted_per_s: f64,
    /// Messages per second until the last was taken by the provider.
    pub(crate) taken_per_s: f64,
    /// From the start of the call to its answer.
    pub(crate) accept: Percentiles,
    /// From the start of the call to the arrival at the provider.
    pub(crate) end_to_end: Percentiles,
    /// From the answer of the call to the arrival at the provider; 0 for what came before it.
    pub(crate) handed_over: Percentiles,
    /// What the provider counted.
    pub(crate) provider: Stats,
    /// Per cent of the machine's processor time that its host took away meanwhile: no latency
    /// survives much of it.
    pub(crate) stolen_percent: Option<f64>,
}

impl Outcome {
    /// Joins the callers' notes with the provider's.
    pub(crate) fn new(sent: &Sent, arrivals: &[u64], provider: Stats) -> Self {
        let messages = sent.started_us.len();
        let start = sent.started_us.iter().copied().min().unwrap_or_default();
        let accepted = sent.accepted_us.iter().copied().max().unwrap_or_default();
        let taken = arrivals.iter().copied().max().unwrap_or_default();
        let until_arrival = |from: &[u64]| {
            let pairs = from.iter().zip(arrivals);
            let arrived = pairs.filter(|(_, arrived)| **arrived != 0);
            Percentiles::of(arrived.map(|(from, at)| at.saturating_sub(*from)).collect())
        };
        Self {
            messages,
            accepted_per_s: per_second(messages, start, accepted),
            taken_per_s: per_second(messages, start, taken),
            accept: sent.accept(),
            end_to_end: until_arrival(&sent.started_us),
            handed_over: until_arrival(&sent.accepted_us),
            provider,
            stolen_percent: None,
        }
    }

    /// An error unless every message came, and came once.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let seen = &self.provider;
        let missing = (self.messages as u64).saturating_sub(seen.distinct);
        ensure!(
            missing == 0 && seen.duplicates == 0 && seen.strangers == 0,
            "{missing} of {} messages did not come, {} came twice, {} were unknown",
            self.messages,
            seen.duplicates,
            seen.strangers,
        );
        Ok(())
    }
}

fn per_second(messages: usize, from_us: u64, to_us: u64) -> f64 {
    messages as f64 * 1e6 / to_us.saturating_sub(from_us).max(1) as f64
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "accepted   {:>8.0} messages/s  {}",
            self.accepted_per_s, self.accept
        )?;
        writeln!(
            f,
            "end to end {:>8.0} messages/s  {}",
            self.taken_per_s, self.end_to_end
        )?;
        write!(
            f,
            "provider   {} taken, {} different, {} duplicates, {} unknown, {} connections",
            self.provider.taken,
            self.provider.distinct,
            self.provider.duplicates,
            self.provider.strangers,
            self.provider.connections,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent() -> Sent {
        Sent {
            started_us: vec![1_000, 2_000],
            accepted_us: vec![1_500, 501_000],
            ids: vec![None, None],
        }
    }

    fn seen(distinct: u64, duplicates: u64) -> Stats {
        Stats {
            taken: distinct + duplicates,
            distinct,
            duplicates,
            ..Stats::default()
        }
    }

    #[test]
    fn rates_run_from_the_first_start_to_the_last_acceptance_and_arrival() {
        let outcome = Outcome::new(&sent(), &[3_000, 1_001_000], seen(2, 0));
        assert_eq!(outcome.accepted_per_s, 4.0);
        assert_eq!(outcome.taken_per_s, 2.0);
        assert_eq!(outcome.accept.max_us, 499_000);
        assert_eq!(outcome.end_to_end.p50_us, 2_000);
        assert_eq!(outcome.end_to_end.max_us, 999_000);
        assert_eq!(outcome.handed_over.p50_us, 1_500);
        assert_eq!(outcome.handed_over.max_us, 500_000);
    }

    #[test]
    fn a_missing_message_fails_the_run() {
        let outcome = Outcome::new(&sent(), &[3_000], seen(1, 0));
        let said = outcome.check().unwrap_err().to_string();
        assert!(said.starts_with("1 of 2 messages did not come"), "{said}");
    }

    #[test]
    fn a_duplicate_fails_the_run() {
        let outcome = Outcome::new(&sent(), &[3_000, 4_000], seen(2, 1));
        let said = outcome.check().unwrap_err().to_string();
        assert!(said.contains("1 came twice"), "{said}");
    }
}
