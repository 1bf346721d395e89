//! Acting on deadlines that have passed.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};
use tracing::{error, warn};

use super::Inner;
use super::pulse::Part;
use super::running::Stop;
use super::set_aside::SetAside;
use crate::{Event, MessageId, StoreError, Timestamp};

/// The most messages of one pass.
const BATCH: usize = 500;
/// How often finished messages are looked for that are old enough to be removed.
const RETENTION_INTERVAL: Duration = Duration::from_secs(30);
/// The most messages removed at a time, so that removing holds nothing up.
const REMOVED_AT_ONCE: usize = 1_000;
/// The pause after a pass that failed.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);

/// Looks for deadlines that have passed until told to stop. Several sweepers on one store do no
/// harm: every change is a compare-and-set.
pub(super) async fn run(inner: Arc<Inner>, mut stop: Stop) {
    let mut memory = Memory::new();
    loop {
        let pass = inner.sweep_once(&mut memory);
        let pause = match inner.pulse.during(Part::Sweep, pass).await {
            Ok(true) => Duration::ZERO,
            Ok(false) => inner.settings.sweep_interval,
            Err(error) => {
                warn!(%error, "the sweep waits for the store");
                FAILURE_PAUSE
            }
        };
        if stop.or(sleep(pause)).await.is_none() {
            return;
        }
    }
}

/// What a sweep remembers from one pass to the next.
struct Memory {
    next_removal: Instant,
    set_aside: SetAside,
}

impl Memory {
    fn new() -> Self {
        Self {
            next_removal: Instant::now(),
            set_aside: SetAside::default(),
        }
    }
}

/// What cannot be read must not keep the rest of the sweep from being done; only a store that is
/// down does.
fn unless_passing(part: Result<bool, StoreError>) -> Result<bool, StoreError> {
    match part {
        Err(error) if !error.is_passing() => {
            error!(%error, "a part of the sweep cannot be done");
            Ok(false)
        }
        part => part,
    }
}

impl Inner {
    /// One pass; says whether there is more to do at once.
    async fn sweep_once(self: &Arc<Self>, memory: &mut Memory) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let due = unless_passing(self.pass_deadlines(now, &mut memory.set_aside).await)?;
        let parked = unless_passing(self.look_at_parked(now).await)?;
        let finished = unless_passing(self.remove_finished(&mut memory.next_removal).await)?;
        Ok(due || parked || finished)
    }

    async fn pass_deadlines(
        self: &Arc<Self>,
        now: Timestamp,
        set_aside: &mut SetAside,
    ) -> Result<bool, StoreError> {
        let among = BATCH + set_aside.count(Instant::now());
        let mut due = self.store.due(now, among).await?;
        due.retain(|id| !set_aside.has(*id));
        due.truncate(BATCH);
        let full = due.len() == BATCH;
        let pass = |id| async move { (id, self.pass_deadline(id).await) };
        let mut any_passed = false;
        for (id, passed) in join_all(due.into_iter().map(pass)).await {
            match passed {
                Ok(()) => any_passed = true,
                Err(error) if error.is_passing() => return Err(error),
                Err(error) => {
                    error!(%error, %id, "the deadline of a message cannot be acted on");
                    set_aside.add(id, Instant::now());
                }
            }
        }
        // Where nothing goes on there is no hurry either.
        Ok(full && any_passed)
    }

    async fn pass_deadline(self: &Arc<Self>, id: MessageId) -> Result<(), StoreError> {
        let Some(message) = self.writes.load(id).await? else {
            return Ok(());
        };
        let expected_wait = self
            .routes
            .get(&message.request.route)
            .map_or(Duration::ZERO, |route| route.expected_wait());
        let event = Event::Deadline { expected_wait };
        self.apply(message, &event).await.map(drop)
    }

    async fn look_at_parked(self: &Arc<Self>, now: Timestamp) -> Result<bool, StoreError> {
        let parked = self.store.parked_due(now, BATCH).await?;
        let full = parked.len() == BATCH;
        let any_done = self.look_again(parked).await?;
        Ok(full && any_done)
    }

    async fn remove_finished(&self, next: &mut Instant) -> Result<bool, StoreError> {
        let Some(retention) = self.settings.retention.filter(|_| *next <= Instant::now()) else {
            return Ok(false);
        };
        let before = self.clock.now() - retention;
        let removed = self.store.remove_finished(before, REMOVED_AT_ONCE).await?;
        // Other sweepers may be at the same messages, and each removes a part of them: only when
        // there was nothing to remove is this done.
        let more = removed > 0;
        if !more {
            *next = Instant::now() + self.removal_pause();
        }
        Ok(more)
    }

    /// Half to all of the interval, so that sweepers that were started together do not stay so.
    fn removal_pause(&self) -> Duration {
        let share = u32::try_from(self.entropy.next_u64() % 1_024).unwrap_or(0);
        RETENTION_INTERVAL / 2 + RETENTION_INTERVAL / 2 * share / 1_024
    }
}
