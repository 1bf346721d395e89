//! The rules for stores tell when they are broken.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Future};
use sms_core::conformance::store::*;
use sms_core::{
    Change, Committed, Inserted, ListFilter, MemoryStore, Message, MessageId, Page, PageToken,
    ParkedReport, ReportKey, State, StateCounts, Store, StoreError, Timestamp,
};

/// What a store does wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    LosesTheLastOfABatch,
    CommitsOverAnyVersion,
    StopsAtAConflict,
    FindsNothing,
    IsDueTooLate,
    IsDueInAnyOrder,
    GivesTooManyDue,
    ForgetsTheNextDeadline,
    NeverReplacesAParkedReport,
    NeverUnparks,
    ListsTheOldestFirst,
    ListsAnyState,
    ListsUpToAndAt,
    EndsAfterAPage,
    TakesAnyToken,
    CountsOneMore,
    RemovesAtTheLimit,
    RemovesTooMany,
}

#[derive(Debug)]
struct Broken {
    store: MemoryStore,
    fault: Fault,
}

const MILLI: Duration = Duration::from_millis(1);

#[async_trait]
impl Store for Broken {
    async fn insert(&self, mut messages: Vec<Message>) -> Result<Vec<Inserted>, StoreError> {
        let all = messages.len();
        if self.fault == Fault::LosesTheLastOfABatch && all > 1 {
            messages.pop();
        }
        let mut answers = self.store.insert(messages).await?;
        answers.resize(all, Inserted::Created);
        Ok(answers)
    }

    async fn load(&self, ids: &[MessageId]) -> Result<Vec<Option<Message>>, StoreError> {
        self.store.load(ids).await
    }

    async fn commit(&self, mut changes: Vec<Change>) -> Result<Vec<Committed>, StoreError> {
        if self.fault == Fault::CommitsOverAnyVersion {
            for change in &mut changes {
                let now = self.store.load(&[change.before.id()]).await?;
                if let Some(now) = now.into_iter().flatten().next() {
                    change.before = now;
                }
            }
        }
        if self.fault != Fault::StopsAtAConflict {
            return self.store.commit(changes).await;
        }
        let mut answers = Vec::new();
        for change in changes {
            let stopped = answers.iter().any(|answer| *answer != Committed::Applied);
            let before = Box::new(change.before.clone());
            answers.extend(match stopped {
                true => vec![Committed::Conflict(before)],
                false => self.store.commit(vec![change]).await?,
            });
        }
        Ok(answers)
    }

    async fn find(&self, keys: &[ReportKey]) -> Result<Vec<Option<MessageId>>, StoreError> {
        if self.fault == Fault::FindsNothing {
            return Ok(vec![None; keys.len()]);
        }
        self.store.find(keys).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<MessageId>, StoreError> {
        let mut due = match self.fault {
            Fault::IsDueTooLate => self.store.due(now - MILLI, limit).await?,
            Fault::GivesTooManyDue => self.store.due(now, limit + 1).await?,
            _ => self.store.due(now, limit).await?,
        };
        if self.fault == Fault::IsDueInAnyOrder {
            due.reverse();
        }
        Ok(due)
    }

    async fn next_deadline(&self) -> Result<Option<Timestamp>, StoreError> {
        let next = self.store.next_deadline().await?;
        Ok(next.filter(|_| self.fault != Fault::ForgetsTheNextDeadline))
    }

    async fn park(&self, mut reports: Vec<ParkedReport>) -> Result<(), StoreError> {
        if self.fault == Fault::NeverReplacesAParkedReport {
            for (number, parked) in reports.iter_mut().enumerate() {
                let code = format!("{number} {}", parked.look_again_at);
                parked.report.code.get_or_insert(code);
            }
        }
        self.store.park(reports).await
    }

    async fn parked(&self, keys: &[ReportKey]) -> Result<Vec<ParkedReport>, StoreError> {
        self.store.parked(keys).await
    }

    async fn parked_due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<ParkedReport>, StoreError> {
        self.store.parked_due(now, limit).await
    }

    async fn unpark(&self, reports: Vec<ParkedReport>) -> Result<(), StoreError> {
        if self.fault == Fault::NeverUnparks {
            return Ok(());
        }
        self.store.unpark(reports).await
    }

    async fn list(
        &self,
        filter: &ListFilter,
        after: Option<&PageToken>,
        size: usize,
    ) -> Result<Page, StoreError> {
        let mut filter = filter.clone();
        match self.fault {
            Fault::ListsAnyState => filter.states.clear(),
            Fault::ListsUpToAndAt => {
                filter.accepted_before = filter.accepted_before.map(|before| before + MILLI);
            }
            _ => {}
        }
        let page = self.store.list(&filter, after, size).await;
        let mut page = match self.fault {
            Fault::TakesAnyToken => page.unwrap_or_default(),
            _ => page?,
        };
        match self.fault {
            Fault::ListsTheOldestFirst => page.messages.reverse(),
            Fault::EndsAfterAPage => page.next = None,
            _ => {}
        }
        Ok(page)
    }

    async fn count(&self) -> Result<StateCounts, StoreError> {
        let mut counts = self.store.count().await?;
        if self.fault == Fault::CountsOneMore && counts.total() > 0 {
            counts.set(State::Queued, counts.get(State::Queued) + 1);
        }
        Ok(counts)
    }

    async fn remove_finished(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        match self.fault {
            Fault::RemovesAtTheLimit => self.store.remove_finished(before + MILLI, limit).await,
            Fault::RemovesTooMany => self.store.remove_finished(before, limit + 1).await,
            _ => self.store.remove_finished(before, limit).await,
        }
    }
}

type Rule = Box<dyn Fn(Arc<dyn Store>) -> BoxFuture<'static, ()>>;

fn rule<F: Future<Output = ()> + Send + 'static>(rule: fn(Arc<dyn Store>) -> F) -> Rule {
    Box::new(move |store| rule(store).boxed())
}

#[tokio::test]
async fn every_fault_breaks_the_rule_about_it() {
    let table: [(Fault, Rule); 18] = [
        (
            Fault::LosesTheLastOfABatch,
            rule(a_thousand_messages_fit_into_one_call),
        ),
        (
            Fault::CommitsOverAnyVersion,
            rule(a_commit_over_an_old_version_conflicts_and_tells_the_current),
        ),
        (
            Fault::StopsAtAConflict,
            rule(one_conflict_does_not_keep_the_others_out),
        ),
        (
            Fault::FindsNothing,
            rule(a_provider_id_is_found_once_committed),
        ),
        (
            Fault::IsDueTooLate,
            rule(due_gives_what_is_at_or_before_now),
        ),
        (
            Fault::IsDueInAnyOrder,
            rule(due_gives_the_longest_overdue_first),
        ),
        (Fault::GivesTooManyDue, rule(due_gives_no_more_than_asked)),
        (
            Fault::ForgetsTheNextDeadline,
            rule(the_next_deadline_is_the_earliest),
        ),
        (
            Fault::NeverReplacesAParkedReport,
            rule(a_repeated_report_replaces_the_parked_one),
        ),
        (Fault::NeverUnparks, rule(an_unparked_report_is_gone)),
        (
            Fault::ListsTheOldestFirst,
            rule(a_list_shows_the_latest_first),
        ),
        (Fault::ListsAnyState, rule(a_list_can_be_filtered_by_state)),
        (Fault::ListsUpToAndAt, rule(a_list_can_be_filtered_by_time)),
        (Fault::EndsAfterAPage, rule(pages_show_every_message_once)),
        (
            Fault::TakesAnyToken,
            rule(a_page_token_of_another_store_is_invalid),
        ),
        (Fault::CountsOneMore, rule(counts_follow_every_change)),
        (
            Fault::RemovesAtTheLimit,
            rule(what_finished_at_the_limit_stays),
        ),
        (
            Fault::RemovesTooMany,
            rule(removal_takes_no_more_than_asked),
        ),
    ];
    for (fault, rule) in table {
        let store = Arc::new(Broken {
            store: MemoryStore::new(),
            fault,
        });
        let outcome = AssertUnwindSafe(rule(store)).catch_unwind().await;
        assert!(outcome.is_err(), "{fault:?} was not noticed");
    }
}
