//! Acting on deadlines that have passed.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};
use tracing::{error, warn};

use super::Inner;
use super::running::Stop;
use crate::{Event, ListFilter, MessageId, State, StoreError};

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
    let mut next_removal = Instant::now();
    loop {
        let pause = match inner.sweep_once(&mut next_removal).await {
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

/// Puts every queued message back in line, after a start over a queue that forgot them.
pub(super) async fn hint_all(inner: Arc<Inner>, mut stop: Stop) {
    let filter = ListFilter {
        states: vec![State::Queued],
        ..ListFilter::default()
    };
    let mut after = None;
    loop {
        let page = inner.store.list(&filter, after.as_ref(), BATCH).await;
        let Ok(page) = page else {
            if stop.or(sleep(FAILURE_PAUSE)).await.is_none() {
                return;
            }
            continue;
        };
        let ready = |message: &&crate::Message| message.progress.ready_at.is_none();
        for message in page.messages.iter().filter(ready) {
            inner.hint(message);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return,
        }
    }
}

impl Inner {
    /// One pass; says whether there is more to do at once.
    async fn sweep_once(self: &Arc<Self>, next_removal: &mut Instant) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let due = self.store.due(now, BATCH).await?;
        let full = due.len() == BATCH;
        self.pass_deadlines(due).await?;
        let parked = self.store.parked_due(now, BATCH).await?;
        let full = full || parked.len() == BATCH;
        self.look_again(parked).await?;
        if Instant::now() >= *next_removal {
            let more = self.remove_finished().await?;
            if !more {
                *next_removal = Instant::now() + RETENTION_INTERVAL;
            }
            return Ok(full || more);
        }
        Ok(full)
    }

    async fn pass_deadlines(self: &Arc<Self>, due: Vec<MessageId>) -> Result<(), StoreError> {
        let pass = |id| async move {
            match self.pass_deadline(id).await {
                // A message that cannot be read must not hold up the others.
                Err(error) if !error.is_passing() => {
                    error!(%error, %id, "the deadline of a message cannot be acted on");
                    Ok(())
                }
                result => result,
            }
        };
        let passed = join_all(due.into_iter().map(pass));
        passed.await.into_iter().collect()
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

    async fn remove_finished(&self) -> Result<bool, StoreError> {
        let Some(retention) = self.settings.retention else {
            return Ok(false);
        };
        let before = self.clock.now() - retention;
        let removed = self.store.remove_finished(before, REMOVED_AT_ONCE).await?;
        Ok(removed == REMOVED_AT_ONCE)
    }
}
