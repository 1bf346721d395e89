//! A store of one's own: a journal of everything that changed, one JSON object a line, over the
//! store in memory, which the journal fills again at the next start.
//!
//! `cargo run -p sms-examples --bin custom_store` sends a message and reads it back after a
//! restart; `cargo test -p sms-examples --bin custom_store` checks the store against the
//! conformance kit, durability included.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sms_core::{
    Change, Committed, Inserted, ListFilter, MemoryStore, Message, MessageId, Page, PageToken,
    ParkedReport, ReportKey, StateCounts, Store, StoreError, StoreErrorKind, Timestamp,
};
use tokio::sync::Mutex;

/// A store in memory that remembers through a journal.
#[derive(Debug)]
struct JournalStore {
    memory: MemoryStore,
    /// Held over a whole write, so that the journal has the order in which memory changed.
    journal: Mutex<File>,
}

/// One line of the journal: something as it is now.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    Message(Message),
    Parked(ParkedReport),
    Unparked(ParkedReport),
    RemovedBefore(Timestamp, usize),
}

impl JournalStore {
    async fn open(path: &Path) -> anyhow::Result<Self> {
        let journal = File::options()
            .read(true)
            .append(true)
            .create(true)
            .open(path)?;
        let memory = MemoryStore::new();
        let mut whole = 0;
        let mut lines = BufReader::new(&journal);
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            // A torn last line was never confirmed to anybody.
            let Ok(entry) = serde_json::from_str(&line) else {
                break;
            };
            replay(&memory, entry).await?;
            whole += line.len() as u64;
            line.clear();
        }
        journal.set_len(whole)?;
        let journal = Mutex::new(journal);
        Ok(Self { memory, journal })
    }
}

async fn replay(memory: &MemoryStore, entry: Entry) -> Result<(), StoreError> {
    match entry {
        Entry::Message(message) => match memory.load(&[message.id()]).await?.remove(0) {
            None => memory.insert(vec![message]).await.map(drop),
            Some(before) => {
                let after = message.progress;
                memory
                    .commit(vec![Change { before, after }])
                    .await
                    .map(drop)
            }
        },
        Entry::Parked(report) => memory.park(vec![report]).await,
        Entry::Unparked(report) => memory.unpark(vec![report]).await,
        Entry::RemovedBefore(before, limit) => {
            memory.remove_finished(before, limit).await.map(drop)
        }
    }
}

/// Writes entries and waits until the disk has them.
fn write(journal: &mut File, entries: &[Entry]) -> Result<(), StoreError> {
    let failed = || StoreError::new(StoreErrorKind::Unavailable, "write the journal");
    let mut lines = Vec::new();
    for entry in entries {
        serde_json::to_writer(&mut lines, entry).map_err(|error| failed().because(error))?;
        lines.push(b'\n');
    }
    journal
        .write_all(&lines)
        .and_then(|()| journal.sync_data())
        .map_err(|error| failed().because(error))
}

#[async_trait]
impl Store for JournalStore {
    async fn insert(&self, messages: Vec<Message>) -> Result<Vec<Inserted>, StoreError> {
        let mut journal = self.journal.lock().await;
        let results = self.memory.insert(messages.clone()).await?;
        let created = |(message, result)| match result {
            &Inserted::Created => Some(Entry::Message(message)),
            Inserted::Exists(_) => None,
        };
        let entries: Vec<Entry> = messages
            .into_iter()
            .zip(&results)
            .filter_map(created)
            .collect();
        write(&mut journal, &entries)?;
        Ok(results)
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, StoreError> {
        let mut journal = self.journal.lock().await;
        let results = self.memory.commit(changes.clone()).await?;
        let applied = |(change, result): (Change, &Committed)| match result {
            Committed::Applied => Some(Entry::Message(Message {
                request: change.before.request,
                progress: change.after,
            })),
            _ => None,
        };
        let entries: Vec<Entry> = changes
            .into_iter()
            .zip(&results)
            .filter_map(applied)
            .collect();
        write(&mut journal, &entries)?;
        Ok(results)
    }

    async fn park(&self, reports: Vec<ParkedReport>) -> Result<(), StoreError> {
        let mut journal = self.journal.lock().await;
        self.memory.park(reports.clone()).await?;
        let entries: Vec<Entry> = reports.into_iter().map(Entry::Parked).collect();
        write(&mut journal, &entries)
    }

    async fn unpark(&self, reports: Vec<ParkedReport>) -> Result<(), StoreError> {
        let mut journal = self.journal.lock().await;
        self.memory.unpark(reports.clone()).await?;
        let entries: Vec<Entry> = reports.into_iter().map(Entry::Unparked).collect();
        write(&mut journal, &entries)
    }

    async fn remove_finished(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut journal = self.journal.lock().await;
        let removed = self.memory.remove_finished(before, limit).await?;
        write(&mut journal, &[Entry::RemovedBefore(before, limit)])?;
        Ok(removed)
    }

    async fn load(&self, ids: &[MessageId]) -> Result<Vec<Option<Message>>, StoreError> {
        self.memory.load(ids).await
    }

    async fn find(&self, keys: &[ReportKey]) -> Result<Vec<Option<MessageId>>, StoreError> {
        self.memory.find(keys).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<MessageId>, StoreError> {
        self.memory.due(now, limit).await
    }

    async fn next_deadline(&self) -> Result<Option<Timestamp>, StoreError> {
        self.memory.next_deadline().await
    }

    async fn parked(&self, keys: &[ReportKey]) -> Result<Vec<ParkedReport>, StoreError> {
        self.memory.parked(keys).await
    }

    async fn parked_due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<ParkedReport>, StoreError> {
        self.memory.parked_due(now, limit).await
    }

    async fn list(
        &self,
        filter: &ListFilter,
        after: Option<&PageToken>,
        size: usize,
    ) -> Result<Page, StoreError> {
        self.memory.list(filter, after, size).await
    }

    async fn count(&self) -> Result<StateCounts, StoreError> {
        self.memory.count().await
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    use sms_core::{Engine, MemoryQueue, MessageText, NewMessage, ProviderSetup};
    use sms_provider_http::sandbox::{self, Sandbox, SandboxConfig};
    use sms_provider_http::{HttpClient, HttpSettings};

    let folder = tempfile::tempdir()?;
    let path = folder.path().join("journal.jsonl");
    let sandbox = Sandbox::start(SandboxConfig::default()).await?;
    let client = HttpClient::new(&HttpSettings::default())?;
    let provider = sandbox::provider(&sandbox, "sandbox".parse()?, &client)?.provider;

    let store = Arc::new(JournalStore::open(&path).await?);
    let engine = Engine::builder(store, Arc::new(MemoryQueue::new()))
        .provider(ProviderSetup::new(provider))
        .build()?;
    let message = NewMessage::new("+79991234567".parse()?, MessageText::new("Hi!")?);
    let id = engine.accept(message).await?.message.id();
    drop(engine);

    let reopened = JournalStore::open(&path).await?;
    let message = reopened.load(&[id]).await?.remove(0);
    let message = message.ok_or_else(|| anyhow::anyhow!("the journal lost {id}"))?;
    println!("{id} is {} after the restart", message.state());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn fresh() -> (Arc<dyn Store>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        (Arc::new(JournalStore::open(&path).await.unwrap()), folder)
    }

    sms_core::store_conformance!(fresh);

    /// The journal can be opened again as often as need be.
    async fn place() -> (impl AsyncFn() -> Arc<dyn Store>, ()) {
        let folder = tempfile::tempdir().unwrap();
        let reopen = async move || {
            let path = folder.path().join("journal.jsonl");
            let store = JournalStore::open(&path).await.unwrap();
            Arc::new(store) as Arc<dyn Store>
        };
        (reopen, ())
    }

    mod durability {
        sms_core::store_durability!(super::place);
    }
}
