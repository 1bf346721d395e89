//! The store in memory.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::parking::Parking;
use crate::{
    Change, Committed, Inserted, ListFilter, Message, MessageId, Page, PageToken, ParkedReport,
    Progress, ReportKey, StateCounts, Store, StoreError, StoreErrorKind, Timestamp,
};

/// Keeps messages in the memory of this process. Durable only as long as the process lives.
#[derive(Debug, Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
}

/// Messages are listed in the order of this key, the latest first.
type ListKey = (Timestamp, MessageId);

#[derive(Debug, Default)]
struct Tables {
    messages: HashMap<MessageId, Message>,
    listed: BTreeSet<ListKey>,
    deadlines: BTreeSet<(Timestamp, MessageId)>,
    finished: BTreeSet<(Timestamp, MessageId)>,
    provider_ids: HashMap<ReportKey, MessageId>,
    parking: Parking,
    counts: StateCounts,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // Every change of the tables is made by calls that do not panic half-way.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn insert(&mut self, message: Message) -> Inserted {
        if let Some(existing) = self.messages.get(&message.id()) {
            return Inserted::Exists(Box::new(existing.clone()));
        }
        self.listed
            .insert((message.request.accepted_at, message.id()));
        self.index(&message);
        let id = message.id();
        self.provider_ids
            .extend(keys_of(&message).map(|key| (key, id)));
        self.messages.insert(id, message);
        Inserted::Created
    }

    fn commit(&mut self, change: Change) -> Committed {
        let id = change.before.id();
        let Some(current) = self.messages.get(&id) else {
            return Committed::Missing;
        };
        if current.progress.version != change.before.progress.version {
            return Committed::Conflict(Box::new(current.clone()));
        }
        let before = current.clone();
        self.unindex(&before);
        let after = Message {
            request: Arc::clone(&before.request),
            progress: change.after,
        };
        self.index(&after);
        // Only what is new: an id may lead to another message by now.
        let is_new = |key: &ReportKey| !keys_of(&before).any(|known| known == *key);
        let new = keys_of(&after).filter(is_new);
        self.provider_ids.extend(new.map(|key| (key, id)));
        self.messages.insert(id, after);
        Committed::Applied
    }

    fn index(&mut self, message: &Message) {
        let progress = &message.progress;
        let id = message.id();
        self.deadlines.extend(progress.deadline.map(|at| (at, id)));
        self.finished
            .extend(progress.finished_at().map(|at| (at, id)));
        let count = self.counts.get(progress.state);
        self.counts.set(progress.state, count + 1);
    }

    fn unindex(&mut self, message: &Message) {
        let progress = &message.progress;
        let id = message.id();
        if let Some(at) = progress.deadline {
            self.deadlines.remove(&(at, id));
        }
        if let Some(at) = progress.finished_at() {
            self.finished.remove(&(at, id));
        }
        let count = self.counts.get(progress.state);
        self.counts.set(progress.state, count.saturating_sub(1));
    }

    fn remove(&mut self, id: MessageId) {
        let Some(message) = self.messages.remove(&id) else {
            return;
        };
        self.unindex(&message);
        self.listed.remove(&(message.request.accepted_at, id));
        for key in keys_of(&message) {
            if self.provider_ids.get(&key) == Some(&id) {
                self.provider_ids.remove(&key);
            }
        }
    }
}

/// The ids that lead to a message: those of its attempts, and those that its reports named before
/// an answer named another.
fn keys_of(message: &Message) -> impl Iterator<Item = ReportKey> + '_ {
    let Progress {
        attempts, reports, ..
    } = &message.progress;
    let of_attempts = attempts.iter().map(|one| (&one.provider, &one.provider_id));
    let of_reports = reports.iter().map(|one| (&one.provider, &one.provider_id));
    of_attempts.chain(of_reports).filter_map(|(provider, id)| {
        Some(ReportKey {
            provider: provider.clone(),
            provider_id: id.clone()?,
        })
    })
}

fn page_key(token: &PageToken) -> Result<ListKey, StoreError> {
    let key = || {
        let (millis, id) = token.0.split_once('.')?;
        Some((
            Timestamp::from_millis(millis.parse().ok()?),
            id.parse().ok()?,
        ))
    };
    key().ok_or_else(|| StoreError::new(StoreErrorKind::Invalid, "read the page token"))
}

#[async_trait]
impl Store for MemoryStore {
    async fn insert(&self, messages: Vec<Message>) -> Result<Vec<Inserted>, StoreError> {
        let mut tables = self.tables();
        Ok(messages
            .into_iter()
            .map(|message| tables.insert(message))
            .collect())
    }

    async fn load(&self, ids: &[MessageId]) -> Result<Vec<Option<Message>>, StoreError> {
        let tables = self.tables();
        Ok(ids
            .iter()
            .map(|id| tables.messages.get(id).cloned())
            .collect())
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, StoreError> {
        let mut tables = self.tables();
        Ok(changes
            .into_iter()
            .map(|change| tables.commit(change))
            .collect())
    }

    async fn find(&self, keys: &[ReportKey]) -> Result<Vec<Option<MessageId>>, StoreError> {
        let tables = self.tables();
        Ok(keys
            .iter()
            .map(|key| tables.provider_ids.get(key).copied())
            .collect())
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<MessageId>, StoreError> {
        let tables = self.tables();
        Ok(tables
            .deadlines
            .iter()
            .take_while(|(at, _)| *at <= now)
            .take(limit)
            .map(|(_, id)| *id)
            .collect())
    }

    async fn next_deadline(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.tables().deadlines.first().map(|(at, _)| *at))
    }

    async fn park(&self, reports: Vec<ParkedReport>) -> Result<(), StoreError> {
        let mut tables = self.tables();
        for parked in reports {
            tables.parking.park(parked);
        }
        Ok(())
    }

    async fn parked(&self, keys: &[ReportKey]) -> Result<Vec<ParkedReport>, StoreError> {
        let tables = self.tables();
        let under = |key| tables.parking.under(key);
        Ok(keys.iter().flat_map(under).cloned().collect())
    }

    async fn parked_due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<ParkedReport>, StoreError> {
        let tables = self.tables();
        Ok(tables.parking.due(now).take(limit).cloned().collect())
    }

    async fn unpark(&self, reports: Vec<ParkedReport>) -> Result<(), StoreError> {
        let mut tables = self.tables();
        for parked in reports {
            tables.parking.unpark(&parked);
        }
        Ok(())
    }

    async fn list(
        &self,
        filter: &ListFilter,
        after: Option<&PageToken>,
        size: usize,
    ) -> Result<Page, StoreError> {
        let below = match after {
            Some(token) => Bound::Excluded(page_key(token)?),
            None => Bound::Unbounded,
        };
        let tables = self.tables();
        let mut fitting = tables
            .listed
            .range((Bound::Unbounded, below))
            .rev()
            .filter_map(|(_, id)| tables.messages.get(id))
            .filter(|message| filter.matches(message));
        let messages: Vec<Message> = fitting.by_ref().take(size).cloned().collect();
        let next = messages
            .last()
            .filter(|_| fitting.next().is_some())
            .map(|last| {
                let millis = last.request.accepted_at.as_millis();
                PageToken(format!("{millis}.{}", last.id()))
            });
        Ok(Page { messages, next })
    }

    async fn count(&self) -> Result<StateCounts, StoreError> {
        Ok(self.tables().counts)
    }

    async fn remove_finished(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut tables = self.tables();
        let gone: Vec<MessageId> = tables
            .finished
            .iter()
            .take_while(|(at, _)| *at < before)
            .take(limit)
            .map(|(_, id)| *id)
            .collect();
        for id in &gone {
            tables.remove(*id);
        }
        Ok(gone.len())
    }
}
