//! Exact percentiles of latencies, from all of them rather than from a histogram.

use std::fmt;

use serde::Serialize;

/// The percentiles that are quoted, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50_us: u64,
    pub(crate) p90_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) p999_us: u64,
    pub(crate) max_us: u64,
}

impl Percentiles {
    /// Percentiles by nearest rank: the smallest latency that at least that share stays within.
    pub(crate) fn of(mut latencies_us: Vec<u64>) -> Self {
        latencies_us.sort_unstable();
        let at = |per_mille: usize| {
            let rank = (latencies_us.len() * per_mille).div_ceil(1_000);
            latencies_us.get(rank.saturating_sub(1)).copied()
        };
        Self {
            p50_us: at(500).unwrap_or_default(),
            p90_us: at(900).unwrap_or_default(),
            p99_us: at(990).unwrap_or_default(),
            p999_us: at(999).unwrap_or_default(),
            max_us: at(1_000).unwrap_or_default(),
        }
    }
}

impl fmt::Display for Percentiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p90, p99, p999, max] = [
            self.p50_us,
            self.p90_us,
            self.p99_us,
            self.p999_us,
            self.max_us,
        ]
        .map(millis);
        write!(
            f,
            "p50 {p50}  p90 {p90}  p99 {p99}  p99.9 {p999}  max {max} ms"
        )
    }
}

/// Microseconds written as milliseconds.
pub(crate) fn millis(us: u64) -> String {
    format!("{}.{:02}", us / 1_000, us % 1_000 / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let found = Percentiles::of((1..=1_000).rev().collect());
        let expected = Percentiles {
            p50_us: 500,
            p90_us: 900,
            p99_us: 990,
            p999_us: 999,
            max_us: 1_000,
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn one_latency_is_every_percentile() {
        let found = Percentiles::of(vec![7]);
        assert_eq!((found.p50_us, found.max_us), (7, 7));
    }

    #[test]
    fn nothing_measured_is_zero() {
        assert_eq!(Percentiles::of(Vec::new()), Percentiles::default());
    }

    #[test]
    fn microseconds_are_written_as_milliseconds() {
        assert_eq!(millis(12_345), "12.34");
        assert_eq!(millis(50), "0.05");
    }
}
