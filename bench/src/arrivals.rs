//! What a provider saw: when each message came, and which came twice.

use serde::{Deserialize, Serialize};

/// Sums over everything that arrived since the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stats {
    /// Requests that were taken, duplicates included.
    pub(crate) taken: u64,
    /// Different messages among them.
    pub(crate) distinct: u64,
    /// Messages that had been taken before.
    pub(crate) duplicates: u64,
    /// Requests whose text carries no message number.
    pub(crate) strangers: u64,
    /// Connections opened to the provider since it started.
    pub(crate) connections: u64,
}

/// Arrival times by message number.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    stats: Stats,
    /// Microseconds of the monotonic clock; 0 for a message not seen.
    first_us: Vec<u64>,
}

impl Arrivals {
    /// Notes that a message (or a stranger) was taken at `now_us`.
    pub(crate) fn take(&mut self, number: Option<usize>, now_us: u64) {
        self.stats.taken += 1;
        let Some(number) = number else {
            self.stats.strangers += 1;
            return;
        };
        if number >= self.first_us.len() {
            self.first_us.resize(number + 1, 0);
        }
        let Some(first) = self.first_us.get_mut(number) else {
            return;
        };
        if *first == 0 {
            *first = now_us;
            self.stats.distinct += 1;
        } else {
            self.stats.duplicates += 1;
        }
    }

    /// Notes an opened connection.
    pub(crate) fn connect(&mut self) {
        self.stats.connections += 1;
    }

    /// Forgets the messages; the connections are still open and stay counted.
    pub(crate) fn reset(&mut self) {
        let connections = self.stats.connections;
        *self = Self::default();
        self.stats.connections = connections;
    }

    /// The sums so far.
    pub(crate) fn stats(&self) -> &Stats {
        &self.stats
    }

    /// First arrival of each message by number, in microseconds; 0 for one not seen.
    pub(crate) fn first_us(&self) -> &[u64] {
        &self.first_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_arrival_is_a_duplicate_and_keeps_the_first_time() {
        let mut arrivals = Arrivals::default();
        arrivals.take(Some(1), 10);
        arrivals.take(Some(1), 20);
        assert_eq!(arrivals.first_us(), [0, 10]);
        assert_eq!(arrivals.stats().duplicates, 1);
        assert_eq!(arrivals.stats().distinct, 1);
        assert_eq!(arrivals.stats().taken, 2);
    }

    #[test]
    fn a_text_without_a_number_is_taken_as_a_stranger() {
        let mut arrivals = Arrivals::default();
        arrivals.take(None, 10);
        assert_eq!(arrivals.stats().taken, 1);
        assert_eq!(arrivals.stats().strangers, 1);
        assert_eq!(arrivals.stats().distinct, 0);
    }

    #[test]
    fn a_reset_keeps_the_connections() {
        let mut arrivals = Arrivals::default();
        arrivals.connect();
        arrivals.take(Some(0), 10);
        arrivals.reset();
        let expected = Stats {
            connections: 1,
            ..Stats::default()
        };
        assert_eq!(arrivals.stats(), &expected);
        assert!(arrivals.first_us().is_empty());
    }
}
