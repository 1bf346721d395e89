//! The store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::Connection;
use sms_core::{
    Change, Committed, Inserted, ListFilter, Message, MessageId, Page, PageToken, ParkedReport,
    ReportKey, StateCounts, Store, StoreError, Timestamp,
};

use crate::buckets::Buckets;
use crate::checkpoint::Checkpointer;
use crate::commit::{self, ChangeRow};
use crate::error::Failure;
use crate::insert::{self, NewRow};
use crate::lock::FileLock;
use crate::readers::Readers;
use crate::shared::Shared;
use crate::transaction::Writing;
use crate::writer::Writer;
use crate::{OpenError, Options, list, open, parking, provider_ids, read, removal};

/// Keeps messages in one SQLite file.
///
/// Dropping it finishes what it was handed and closes the file; that takes as long as a commit.
#[derive(Debug)]
pub struct SqliteStore {
    // In the order in which they are dropped: the connection that writes closes last, because
    // the last one tidies the write-ahead log away; only then may another process open the file.
    readers: Readers,
    /// A list may read for seconds, and a few of them at a time would hold up everything else that
    /// is read: claims, reports, the sweep. So lists have a reader to themselves.
    lists: Readers,
    _checkpointer: Checkpointer,
    writer: Writer,
    shared: Arc<Shared>,
    path: PathBuf,
    _lock: FileLock,
}

impl SqliteStore {
    /// Opens a store with the usual [`Options`]; makes the file, and its folder, if need be.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong with the file and what to do.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(path, &Options::default())
    }

    /// Opens a store with options of one's own.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong with the file and what to do.
    pub fn open_with(path: impl AsRef<Path>, options: &Options) -> Result<Self, OpenError> {
        let path = open::resolve(path.as_ref())?;
        let lock = FileLock::take(&path)?;
        let mut writing = open::writer(&path, options)?;
        let wrong = |error| open::explain(&path, error);
        let parked = parking::count(&writing).map_err(wrong)?;
        let buckets = Buckets::open(&writing).map_err(wrong)?;
        let reading = (0..options.read_connections.max(1))
            .map(|_| open::reader(&path, options))
            .collect::<Result<Vec<_>, _>>()?;
        let listing = vec![open::reader(&path, options)?];
        let shared = Arc::new(Shared::new(parked));
        let no_thread = |error: std::io::Error| OpenError::Failed {
            path: path.clone(),
            source: error.into(),
        };
        let checkpointing = open::checkpointer(&path)?;
        let checkpointer = Checkpointer::start(checkpointing).map_err(no_thread)?;
        checkpointer.watch(&mut writing).map_err(wrong)?;
        Ok(Self {
            _checkpointer: checkpointer,
            readers: Readers::start(reading).map_err(no_thread)?,
            lists: Readers::start(listing).map_err(no_thread)?,
            writer: Writer::start(writing, buckets, shared.clone()).map_err(no_thread)?,
            shared,
            _lock: lock,
            path,
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Makes rows of all items; these are errors of the call, not of the file.
fn rows<T, R>(
    items: Vec<T>,
    doing: &'static str,
    row: impl Fn(T) -> Result<R, Failure>,
) -> Result<Vec<R>, StoreError> {
    let rows: Result<Vec<R>, Failure> = items.into_iter().map(row).collect();
    rows.map_err(|failure| Arc::new(failure).during(doing))
}

fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[async_trait]
impl Store for SqliteStore {
    async fn insert(&self, messages: Vec<Message>) -> Result<Vec<Inserted>, StoreError> {
        let doing = "insert messages";
        let items = messages.len();
        let rows = rows(messages, doing, NewRow::of)?;
        let work = move |writing: &mut Writing<'_>| insert::insert(writing, &rows);
        self.writer.write(doing, items, work).await
    }

    async fn load(&self, ids: &[MessageId]) -> Result<Vec<Option<Message>>, StoreError> {
        let ids = ids.to_vec();
        let work = move |connection: &mut Connection| read::load(connection, &ids);
        self.readers.read("load messages", work).await
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, StoreError> {
        let doing = "commit changes";
        let items = changes.len();
        let rows = rows(changes, doing, ChangeRow::of)?;
        let work = move |writing: &mut Writing<'_>| commit::commit(writing, &rows);
        self.writer.write(doing, items, work).await
    }

    async fn find(&self, keys: &[ReportKey]) -> Result<Vec<Option<MessageId>>, StoreError> {
        let keys = keys.to_vec();
        let work = move |connection: &mut Connection| provider_ids::find(connection, &keys);
        self.readers.read("find provider ids", work).await
    }

    async fn due(&self, now: Timestamp, most: usize) -> Result<Vec<MessageId>, StoreError> {
        let work = move |connection: &mut Connection| read::due(connection, now, limit(most));
        self.readers.read("look for deadlines", work).await
    }

    async fn next_deadline(&self) -> Result<Option<Timestamp>, StoreError> {
        let work = |connection: &mut Connection| read::next_deadline(connection);
        self.readers.read("look for the next deadline", work).await
    }

    async fn park(&self, reports: Vec<ParkedReport>) -> Result<(), StoreError> {
        let items = reports.len();
        let work = move |writing: &mut Writing<'_>| parking::park(writing, &reports);
        self.writer.write("park reports", items, work).await
    }

    async fn parked(&self, keys: &[ReportKey]) -> Result<Vec<ParkedReport>, StoreError> {
        if !self.shared.any_parked() {
            return Ok(Vec::new());
        }
        let keys = keys.to_vec();
        let work = move |connection: &mut Connection| parking::parked(connection, &keys);
        self.readers.read("look for parked reports", work).await
    }

    async fn parked_due(
        &self,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<ParkedReport>, StoreError> {
        if !self.shared.any_parked() {
            return Ok(Vec::new());
        }
        let work = move |connection: &mut Connection| parking::due(connection, now, most);
        let found = self.readers.read("look for parked reports", work).await?;
        self.shared.tell_unreadable(found.unreadable, now);
        Ok(found.reports)
    }

    async fn unpark(&self, reports: Vec<ParkedReport>) -> Result<(), StoreError> {
        let items = reports.len();
        let work = move |writing: &mut Writing<'_>| parking::unpark(writing, &reports);
        self.writer.write("unpark reports", items, work).await
    }

    async fn list(
        &self,
        filter: &ListFilter,
        after: Option<&PageToken>,
        size: usize,
    ) -> Result<Page, StoreError> {
        let (filter, after) = (filter.clone(), after.cloned());
        let work = move |connection: &mut Connection| {
            list::list(connection, &filter, after.as_ref(), size)
        };
        self.lists.read("list messages", work).await
    }

    async fn count(&self) -> Result<StateCounts, StoreError> {
        let work = |connection: &mut Connection| read::count(connection);
        self.readers.read("count messages", work).await
    }

    async fn remove_finished(&self, before: Timestamp, most: usize) -> Result<usize, StoreError> {
        let work =
            move |writing: &mut Writing<'_>| removal::remove_finished(writing, before, limit(most));
        self.writer
            .write("remove finished messages", most, work)
            .await
    }
}
