//! Random sequences of calls, compared with the store in memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::list::follow;
use super::{Subject, load_one};
use crate::conformance::{Samples, changed, finished};
use crate::{
    Change, Committed, ListFilter, MemoryStore, Message, MessageId, ParkedReport, Progress,
    ReportKey, ReportStatus, State, StateCounts, Timestamp,
};

const SEQUENCES: u64 = 8;
const STEPS: usize = 150;

/// Every answer is the same, and so is all that can be seen afterwards.
pub async fn any_sequence_of_calls_is_answered_as_by_the_memory_store(store: Subject) {
    for seed in 0..SEQUENCES {
        let mut run = Run::new(seed, store.clone());
        for step in 0..STEPS {
            run.step().await;
            if step % 25 == 0 {
                run.compare().await;
            }
        }
        run.compare().await;
        run.clear().await;
    }
}

/// One sequence of calls, made to both stores.
struct Run {
    samples: Samples,
    subject: Subject,
    reference: Subject,
    /// Every message that was made, as it was when it was last seen.
    seen: Vec<Message>,
    keys: Vec<ReportKey>,
    parked: Vec<ParkedReport>,
    /// Makes every time in the run a different one, so that every order has one meaning.
    ticks: i64,
}

impl Run {
    fn new(seed: u64, subject: Subject) -> Self {
        let samples = Samples::new(1_000 + seed);
        Self {
            keys: (0..6).map(|_| samples.key()).collect(),
            samples,
            subject,
            reference: Arc::new(MemoryStore::new()),
            seen: Vec::new(),
            parked: Vec::new(),
            ticks: 0,
        }
    }

    fn time(&mut self) -> Timestamp {
        self.ticks += 1;
        let coarse = i64::try_from(self.samples.below(1_000)).unwrap_or(0);
        Timestamp::from_millis(1_800_000_000_000 + coarse * 100_000 + self.ticks)
    }

    async fn step(&mut self) {
        match self.samples.below(12) {
            0..=2 => self.insert().await,
            3..=7 => self.commit().await,
            8 => self.park().await,
            9 => self.unpark().await,
            10 => self.look().await,
            _ => self.remove().await,
        }
    }

    async fn insert(&mut self) {
        let mut batch = Vec::new();
        for _ in 0..=self.samples.below(4) {
            let mut message = self.samples.message();
            message.progress.deadline = Some(self.time());
            if let Some(taken) = self.any_seen().filter(|_| self.samples.below(4) == 0) {
                Arc::make_mut(&mut message.request).id = taken.id();
            }
            batch.push(message);
        }
        let expected = self
            .reference
            .insert(batch.clone())
            .await
            .expect("reference");
        let answer = self.subject.insert(batch.clone()).await.expect("insert");
        assert_eq!(answer, expected);
        self.seen.extend(batch);
    }

    fn any_seen(&self) -> Option<&Message> {
        let recent = self.seen.len().min(20);
        let back = 1 + self.samples.below(recent.max(1));
        self.seen
            .len()
            .checked_sub(back)
            .map(|index| &self.seen[index])
    }

    async fn commit(&mut self) {
        let mut changes = Vec::new();
        for _ in 0..=self.samples.below(5) {
            let Some(before) = self.any_seen().cloned() else {
                return;
            };
            changes.push(self.change(&before));
        }
        let expected = self
            .reference
            .commit(changes.clone())
            .await
            .expect("reference");
        let answer = self.subject.commit(changes.clone()).await.expect("commit");
        assert_eq!(answer, expected);
        for (change, committed) in changes.into_iter().zip(answer) {
            self.learn(change, committed);
        }
    }

    fn change(&mut self, before: &Message) -> Change {
        let at = self.time();
        let state = State::ALL[self.samples.below(State::ALL.len())];
        if state.is_final() {
            return finished(before, state, at);
        }
        let key = self.keys[self.samples.below(self.keys.len())].clone();
        let number = u32::try_from(before.progress.attempts.len()).unwrap_or(0) + 1;
        // No two messages share a provider id: which of them is found would be chance.
        let provider_id = format!("{} {}", key.provider_id, before.id());
        let attempt = self
            .samples
            .accepted_attempt(number, &provider_id.parse().expect("an id"));
        changed(before, |progress: &mut Progress| {
            progress.state = state;
            progress.deadline = Some(at);
            progress.attempts.push(attempt);
        })
    }

    fn learn(&mut self, change: Change, committed: Committed) {
        let id = change.before.id();
        let now = match committed {
            Committed::Applied => Message {
                request: change.before.request,
                progress: change.after,
            },
            Committed::Conflict(current) => *current,
            Committed::Missing | Committed::Failed(_) => return,
        };
        // Half of the time the caller does not notice, and will lose the next comparison.
        if self.samples.coin() {
            for known in self.seen.iter_mut().filter(|message| message.id() == id) {
                *known = now.clone();
            }
        }
    }

    async fn park(&mut self) {
        let key = self.keys[self.samples.below(self.keys.len())].clone();
        let again_at = self.time();
        let mut report = self.samples.parked(&key, again_at);
        if self.samples.coin() {
            report.report.status = ReportStatus::Buffered;
        }
        self.parked.push(report.clone());
        self.reference
            .park(vec![report.clone()])
            .await
            .expect("reference");
        self.subject.park(vec![report]).await.expect("park");
    }

    async fn unpark(&mut self) {
        if self.parked.is_empty() {
            return;
        }
        let index = self.samples.below(self.parked.len());
        let report = self.parked.swap_remove(index);
        self.reference
            .unpark(vec![report.clone()])
            .await
            .expect("reference");
        self.subject.unpark(vec![report]).await.expect("unpark");
    }

    async fn look(&mut self) {
        let (now, limit) = (self.time(), self.samples.below(20));
        let expected = self.reference.due(now, limit).await.expect("reference");
        assert_eq!(self.subject.due(now, limit).await.expect("due"), expected);
    }

    async fn remove(&mut self) {
        let before = self.time();
        let expected = self
            .reference
            .remove_finished(before, 1_000)
            .await
            .expect("reference");
        let answer = self
            .subject
            .remove_finished(before, 1_000)
            .await
            .expect("remove");
        assert_eq!(answer, expected);
    }

    async fn compare(&self) {
        let (subject, reference) = (&self.subject, &self.reference);
        let ids: Vec<MessageId> = self.seen.iter().map(Message::id).collect();
        let expected = reference.load(&ids).await.expect("reference");
        assert_eq!(subject.load(&ids).await.expect("load"), expected);
        let keys = provider_keys(expected.iter().flatten());
        let found = reference.find(&keys).await.expect("reference");
        assert_eq!(subject.find(&keys).await.expect("find"), found);
        let counts = reference.count().await.expect("reference");
        assert_eq!(subject.count().await.expect("count"), counts);
        let next = reference.next_deadline().await.expect("reference");
        assert_eq!(subject.next_deadline().await.expect("next deadline"), next);
        self.compare_parked().await;
        self.compare_lists().await;
    }

    async fn compare_parked(&self) {
        let (subject, reference) = (&self.subject, &self.reference);
        let mut expected = reference.parked(&self.keys).await.expect("reference");
        let mut parked = subject.parked(&self.keys).await.expect("parked");
        expected.sort_by_key(|parked| parked.look_again_at);
        parked.sort_by_key(|parked| parked.look_again_at);
        assert_eq!(parked, expected);
        let mut due = subject
            .parked_due(Timestamp::MAX, 1_000)
            .await
            .expect("parked due");
        due.sort_by_key(|parked| parked.look_again_at);
        assert_eq!(due, expected);
    }

    async fn compare_lists(&self) {
        let mut filters = vec![ListFilter::default()];
        filters.extend(State::ALL.map(|state| ListFilter {
            states: vec![state, State::ALL[self.samples.below(State::ALL.len())]],
            ..ListFilter::default()
        }));
        filters.push(ListFilter {
            to: self.any_seen().map(|message| message.request.to),
            ..ListFilter::default()
        });
        for filter in filters {
            let size = 1 + self.samples.below(30);
            let expected = follow(&self.reference, &filter, size).await;
            assert_eq!(
                follow(&self.subject, &filter, size).await,
                expected,
                "{filter:?}"
            );
        }
    }

    /// Leaves the subject as empty as it was, for the next sequence.
    async fn clear(&self) {
        let ids: Vec<MessageId> = self.seen.iter().map(Message::id).collect();
        let there = self.subject.load(&ids).await.expect("load");
        let unique: HashMap<MessageId, Message> = there
            .into_iter()
            .flatten()
            .map(|message| (message.id(), message))
            .collect();
        let end = Timestamp::from_millis(1);
        let ended = unique
            .values()
            .map(|message| finished(message, State::Failed, end));
        self.subject.commit(ended.collect()).await.expect("commit");
        let removed = self.subject.remove_finished(Timestamp::MAX, 10_000).await;
        assert_eq!(removed.expect("remove"), unique.len());
        let parked = self.subject.parked(&self.keys).await.expect("parked");
        self.subject.unpark(parked).await.expect("unpark");
        assert_eq!(
            self.subject.count().await.expect("count"),
            StateCounts::default()
        );
    }
}

fn provider_keys<'a>(messages: impl Iterator<Item = &'a Message>) -> Vec<ReportKey> {
    messages
        .flat_map(|message| &message.progress.attempts)
        .filter_map(|attempt| {
            Some(ReportKey {
                provider: attempt.provider.clone(),
                provider_id: attempt.provider_id.clone()?,
            })
        })
        .collect()
}

/// Eight tasks change the same messages; afterwards the books balance.
pub async fn any_concurrent_calls_leave_exact_counts_and_deadlines(store: Subject) {
    let samples = Samples::new(2_000);
    let messages = samples.messages(40);
    store.insert(messages.clone()).await.expect("insert");
    let tasks = (0..8).map(|seed| {
        let (store, messages) = (store.clone(), messages.clone());
        tokio::spawn(async move { meddle(&store, &messages, seed).await })
    });
    let applied: u64 = join_all(tasks)
        .await
        .into_iter()
        .map(|task| task.expect("the calls do not panic"))
        .sum();
    let ids: Vec<MessageId> = messages.iter().map(Message::id).collect();
    let now = store.load(&ids).await.expect("load");
    let mut counts = StateCounts::default();
    let mut versions = 0;
    let mut open = Vec::new();
    for message in now.into_iter().flatten() {
        let state = message.state();
        counts.set(state, counts.get(state) + 1);
        versions += message.progress.version - 1;
        open.extend(
            message
                .progress
                .deadline
                .map(|deadline| (deadline, message.id())),
        );
    }
    assert_eq!(versions, applied, "every applied change is a version");
    assert_eq!(store.count().await.expect("count"), counts);
    open.sort();
    let mut due = store.due(Timestamp::MAX, 1_000).await.expect("due");
    due.sort();
    let mut expected: Vec<MessageId> = open.into_iter().map(|(_, id)| id).collect();
    expected.sort();
    assert_eq!(due, expected);
}

async fn meddle(store: &Subject, messages: &[Message], seed: u64) -> u64 {
    let samples = Samples::new(3_000 + seed);
    let mut applied = 0;
    for _ in 0..60 {
        let id = messages[samples.below(messages.len())].id();
        let Some(before) = load_one(store, id).await else {
            panic!("nobody removes messages here");
        };
        let state = State::ALL[samples.below(State::ALL.len())];
        let at = samples.now();
        let change = if state.is_final() {
            finished(&before, state, at)
        } else {
            changed(&before, |progress| {
                progress.state = state;
                progress.deadline = Some(at + Duration::from_secs(1));
            })
        };
        let answer = store.commit(vec![change]).await.expect("commit").remove(0);
        applied += u64::from(answer == Committed::Applied);
    }
    applied
}
