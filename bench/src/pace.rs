//! When the load generator's callers send.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::sync::Semaphore;

use crate::{clock::now_us, load::Volume};

/// Which message is next, and when it is due.
#[derive(Debug)]
pub(crate) struct Pace {
    next: AtomicUsize,
    messages: usize,
    timing: Option<Timing>,
}

/// A fixed rate.
#[derive(Debug)]
struct Timing {
    interval: Duration,
    start_us: u64,
    /// A permit for each message that is due.
    due: Arc<Semaphore>,
}

impl Pace {
    /// Starts the clock.
    pub(crate) fn start(volume: &Volume) -> anyhow::Result<Self> {
        let timing = volume.rate.map(|rate| Timing::start(rate, volume));
        Ok(Self {
            next: AtomicUsize::new(0),
            messages: volume.messages,
            timing: timing.transpose()?,
        })
    }

    /// The next message's index and its start. At a fixed rate that is the moment it was due,
    /// even when every caller was still waiting then: the wait is part of what a user feels.
    pub(crate) async fn next(&self) -> Option<(usize, u64)> {
        let Some(timing) = &self.timing else {
            return Some((self.index()?, now_us()));
        };
        timing.due.acquire().await.ok()?.forget();
        let index = self.index()?;
        Some((index, timing.due_us(index)))
    }

    fn index(&self) -> Option<usize> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        (index < self.messages).then_some(index)
    }
}

impl Timing {
    /// The runtime's own timers are a millisecond coarse, as long as the calls that are measured:
    /// a thread that sleeps is late by a twentieth of that.
    fn start(rate: f64, volume: &Volume) -> anyhow::Result<Self> {
        let (messages, callers) = (volume.messages, volume.callers);
        let interval = Duration::from_secs_f64(1.0 / rate);
        let due = Arc::new(Semaphore::new(0));
        let timing = Self {
            interval,
            start_us: now_us(),
            due: Arc::clone(&due),
        };
        let start = Instant::now();
        thread::Builder::new()
            .name("pace".into())
            .spawn(move || {
                for index in 0..messages {
                    let until = start + interval.mul_f64(index as f64);
                    thread::sleep(until.saturating_duration_since(Instant::now()));
                    due.add_permits(1);
                }
                // Each caller asks once more, and learns that there is none.
                due.add_permits(callers);
            })
            .context("no thread for the clock")?;
        Ok(timing)
    }

    fn due_us(&self, index: usize) -> u64 {
        let due = self.interval.mul_f64(index as f64);
        self.start_us + u64::try_from(due.as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(messages: usize, rate: Option<f64>) -> Volume {
        Volume {
            messages,
            callers: 2,
            connections: 1,
            rate,
            length: 13,
        }
    }

    async fn all(pace: &Pace) -> Vec<(usize, u64)> {
        let mut all = Vec::new();
        while let Some(next) = pace.next().await {
            all.push(next);
        }
        all
    }

    #[tokio::test]
    async fn each_message_comes_once_and_then_every_caller_ends() {
        for rate in [None, Some(10_000.0)] {
            let pace = Pace::start(&volume(100, rate)).unwrap();
            let (mut first, second) = tokio::join!(all(&pace), all(&pace));
            first.extend(second);
            let mut indexes: Vec<_> = first.iter().map(|(index, _)| *index).collect();
            indexes.sort_unstable();
            assert_eq!(indexes, (0..100).collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn a_message_counts_from_when_it_was_due_and_is_not_sent_before() {
        let pace = Pace::start(&volume(20, Some(1_000.0))).unwrap();
        let mut before = None;
        while let Some((_, due_us)) = pace.next().await {
            assert!(now_us() >= due_us);
            assert!(before.is_none_or(|before| due_us - before == 1_000));
            before = Some(due_us);
            // A caller that is late does not move what comes after.
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert!(before.is_some());
    }
}
