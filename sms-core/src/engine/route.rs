//! A provider with what the engine keeps beside it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::ProviderSetup;
use super::gate::Gate;
use super::query::Questions;
use super::slots::{Slot, Slots, UnderWay};
use crate::{
    AttemptOutcome, Capabilities, Provider, ProviderName, StatusQuery, Throughput, Timestamp,
};

/// The wait for a worker is averaged over about so many messages.
const WAIT_SMOOTHING: u64 = 16;

/// A provider with what the engine keeps beside it.
pub(super) struct Route {
    setup: ProviderSetup,
    capabilities: Capabilities,
    lease: Duration,
    gate: Mutex<Gate>,
    expected_wait_ms: AtomicU64,
    questions: Questions,
    /// Those of the lane that works for it in this engine, while one does.
    slots: Mutex<Option<Slots>>,
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("setup", &self.setup)
            .finish_non_exhaustive()
    }
}

impl Route {
    pub(super) fn new(setup: ProviderSetup, lease: Duration) -> Self {
        Self {
            capabilities: setup.provider.capabilities(),
            setup,
            lease,
            gate: Mutex::default(),
            expected_wait_ms: AtomicU64::new(0),
            questions: Questions::default(),
            slots: Mutex::default(),
        }
    }

    pub(super) fn name(&self) -> &ProviderName {
        self.setup.provider.name()
    }

    pub(super) fn provider(&self) -> &dyn Provider {
        self.setup.provider.as_ref()
    }

    pub(super) fn query(&self) -> Option<&dyn StatusQuery> {
        self.setup.query.as_deref()
    }

    pub(super) fn throughput(&self) -> Option<Throughput> {
        self.setup.throughput
    }

    /// How many of `most` messages are taken out of the line, or named by one hint, at once.
    /// Where a throughput is to be kept they wait in the order in which they were taken: no more
    /// than it lets out in about a second, so that a one-time code that comes then waits no
    /// longer than that.
    pub(super) fn at_once(&self, most: usize) -> usize {
        match self.setup.throughput {
            Some(throughput) => most.min(in_a_second(throughput)),
            None => most,
        }
    }

    pub(super) fn concurrency(&self) -> u32 {
        u32::try_from(self.setup.concurrency).unwrap_or(u32::MAX)
    }

    pub(super) fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    pub(super) fn timeout(&self) -> Duration {
        self.capabilities.timeout
    }

    pub(super) fn lease(&self) -> Duration {
        self.lease
    }

    /// How long a queued message waits for a worker, going by the latest ones.
    pub(super) fn expected_wait(&self) -> Duration {
        Duration::from_millis(self.expected_wait_ms.load(Ordering::Relaxed))
    }

    /// Takes note that a message that was queued then is claimed now.
    pub(super) fn note_wait(&self, queued_at: Timestamp, now: Timestamp) {
        let wait = now.since(queued_at).as_millis();
        let wait = u64::try_from(wait).unwrap_or(u64::MAX / WAIT_SMOOTHING);
        let average = self.expected_wait_ms.load(Ordering::Relaxed);
        let next = (average * (WAIT_SMOOTHING - 1) + wait) / WAIT_SMOOTHING;
        self.expected_wait_ms.store(next, Ordering::Relaxed);
    }

    /// Takes note of what the provider said; says for how long it gets nothing, if so.
    pub(super) fn note_outcome(
        &self,
        outcome: AttemptOutcome,
        retry_after: Option<Duration>,
    ) -> Option<Duration> {
        self.gate().note(outcome, retry_after, Instant::now())
    }

    pub(super) fn gate(&self) -> MutexGuard<'_, Gate> {
        lock(&self.gate)
    }

    /// A lane begins to work, with these slots.
    pub(super) fn open(&self, slots: Slots) {
        *lock(&self.slots) = Some(slots);
    }

    /// The lane works no more.
    pub(super) fn close(&self) {
        *lock(&self.slots) = None;
    }

    pub(super) fn questions(&self) -> &Questions {
        &self.questions
    }

    /// Whether the provider may be asked what became of messages: not while it is held, and not
    /// when the lane that would wait for the answers has ended. Holding the result keeps the lane
    /// from ending.
    pub(super) fn is_asked(&self) -> Option<UnderWay> {
        if self.gate().closed_until(Instant::now()).is_some() {
            return None;
        }
        Some(lock(&self.slots).as_ref()?.under_way())
    }

    /// A slot for a message that is just being accepted, if it can be handed over at once. Where
    /// a throughput is to be kept the messages go in the order of the queue.
    pub(super) fn slot_at_once(&self) -> Option<Slot> {
        if self.setup.throughput.is_some() || !self.gate().is_open(Instant::now()) {
            return None;
        }
        lock(&self.slots).as_ref()?.try_one()
    }
}

/// One where it is less.
fn in_a_second(throughput: Throughput) -> usize {
    throughput.per_second().round().max(1.0) as usize
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_throughput_is_at_least_one_message() {
        for (throughput, messages) in [
            ("5/s", 5),
            ("3/s", 3),
            ("300/min", 5),
            ("0.5/s", 1),
            ("1/h", 1),
            ("1000/s", 1_000),
        ] {
            let throughput = throughput.parse().unwrap();
            assert_eq!(in_a_second(throughput), messages, "{throughput}");
        }
    }
}
