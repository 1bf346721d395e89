//! Bugs that are planted to see that the simulation finds them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sms_core::{
    Change, Committed, Inserted, ListFilter, Message, MessageId, Page, PageToken, ParkedReport,
    ReportKey, State, StateCounts, Store, StoreError, Timestamp,
};

use tokio::time::sleep;

use crate::lifeline::Lifeline;
use crate::run::{Plant, run};

/// Within so many seeds a planted bug must show.
const SEEDS: u64 = 300;

fn is_found(plant: Plant, sign: &str) {
    let found = (0..SEEDS).find(|seed| {
        let violations = run(*seed, plant).violations;
        violations.iter().any(|what| what.contains(sign))
    });
    assert!(found.is_some(), "{plant:?} was not found in {SEEDS} seeds");
}

#[test]
fn accepting_before_the_commit_is_found() {
    is_found(Plant::AcceptBeforeCommit, "accepted and lost");
}

#[test]
fn resending_on_an_unknown_outcome_is_found() {
    is_found(Plant::ResendOnUnknown, "taken 2 times");
}

#[test]
fn a_state_that_goes_back_is_found() {
    is_found(Plant::Overwrite, "went from");
}

#[test]
fn a_lease_shorter_than_the_time_out_is_found() {
    is_found(Plant::ShortLease, "two submissions at the same time");
}

/// Says that messages are stored a moment before they are: if the process dies in between, they
/// never will be.
#[derive(Debug)]
pub(crate) struct HastyStore(Arc<dyn Store>, Arc<Lifeline>);

impl HastyStore {
    pub(crate) fn new(store: Arc<dyn Store>, life: Arc<Lifeline>) -> Self {
        Self(store, life)
    }
}

/// Lets a lease end a second after the claim.
#[derive(Debug)]
pub(crate) struct ShortLeaseStore(Arc<dyn Store>);

impl ShortLeaseStore {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }
}

fn cut_short(mut change: Change) -> Change {
    let claimed = change.before.progress.state != State::Sending;
    let started = change.after.last_attempt().map(|last| last.started_at);
    if let (State::Sending, true, Some(at)) = (change.after.state, claimed, started) {
        change.after.deadline = Some(at + Duration::from_secs(1));
    }
    change
}

/// A decorator that differs from the store below it in one method.
macro_rules! passes_on {
    ($decorator:ident, $($special:tt)*) => {
        #[async_trait]
        impl Store for $decorator {
            $($special)*

            async fn load(&self, ids: &[MessageId]) -> Result<Vec<Option<Message>>, StoreError> {
                self.0.load(ids).await
            }

            async fn find(
                &self,
                keys: &[ReportKey],
            ) -> Result<Vec<Option<MessageId>>, StoreError> {
                self.0.find(keys).await
            }

            async fn due(
                &self,
                now: Timestamp,
                limit: usize,
            ) -> Result<Vec<MessageId>, StoreError> {
                self.0.due(now, limit).await
            }

            async fn next_deadline(&self) -> Result<Option<Timestamp>, StoreError> {
                self.0.next_deadline().await
            }

            async fn park(&self, reports: Vec<ParkedReport>) -> Result<(), StoreError> {
                self.0.park(reports).await
            }

            async fn parked(&self, keys: &[ReportKey]) -> Result<Vec<ParkedReport>, StoreError> {
                self.0.parked(keys).await
            }

            async fn parked_due(
                &self,
                now: Timestamp,
                limit: usize,
            ) -> Result<Vec<ParkedReport>, StoreError> {
                self.0.parked_due(now, limit).await
            }

            async fn unpark(&self, reports: Vec<ParkedReport>) -> Result<(), StoreError> {
                self.0.unpark(reports).await
            }

            async fn list(
                &self,
                filter: &ListFilter,
                after: Option<&PageToken>,
                size: usize,
            ) -> Result<Page, StoreError> {
                self.0.list(filter, after, size).await
            }

            async fn count(&self) -> Result<StateCounts, StoreError> {
                self.0.count().await
            }

            async fn remove_finished(
                &self,
                before: Timestamp,
                limit: usize,
            ) -> Result<usize, StoreError> {
                self.0.remove_finished(before, limit).await
            }
        }
    };
}

passes_on! { HastyStore,
    async fn insert(&self, messages: Vec<Message>) -> Result<Vec<Inserted>, StoreError> {
        let said = messages.iter().map(|_| Inserted::Created).collect();
        let (store, life) = (Arc::clone(&self.0), Arc::clone(&self.1));
        tokio::spawn(async move {
            sleep(Duration::from_millis(200)).await;
            if !life.is_dead() {
                store.insert(messages).await.unwrap();
            }
        });
        Ok(said)
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, StoreError> {
        self.0.commit(changes).await
    }
}

passes_on! { ShortLeaseStore,
    async fn insert(&self, messages: Vec<Message>) -> Result<Vec<Inserted>, StoreError> {
        self.0.insert(messages).await
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, StoreError> {
        self.0.commit(changes.into_iter().map(cut_short).collect()).await
    }
}
