//! A write-ahead log whose end did not reach the disk.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use sms_core::conformance::Samples;
use sms_core::{Entropy, Message, State, Store, SystemEntropy};
use sms_sqlite::SqliteStore;
use tempfile::TempDir;

use crate::{books, crash};

/// The header of the log (https://sqlite.org/fileformat2.html#walformat); what comes after it are
/// frames of a page each.
const LOG_HEADER: u64 = 32;

/// A file with some messages that are copied from the log into it, and a log that a killed
/// process was writing.
async fn killed() -> (TempDir, PathBuf, Vec<Message>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sms.db");
    let early = Samples::new(SystemEntropy.next_u64()).messages(100);
    let store = SqliteStore::open(&file).unwrap();
    store.insert(early.clone()).await.unwrap();
    // The last connection copies the log.
    drop(store);
    crash::write_and_kill(&file, Duration::from_millis(40));
    assert!(length(&file) > LOG_HEADER, "the log is there");
    (folder, file, early)
}

fn log(file: &Path) -> PathBuf {
    file.with_extension("db-wal")
}

fn length(file: &Path) -> u64 {
    fs::metadata(log(file)).unwrap().len()
}

async fn expect_sound(file: &Path, early: &[Message]) -> [u64; 3] {
    let store = SqliteStore::open(file).unwrap();
    books::balance(&store).await;
    let ids: Vec<_> = early.iter().map(Message::id).collect();
    let loaded = store.load(&ids).await.unwrap();
    assert!(
        loaded.iter().flatten().eq(early),
        "what was in the file stays"
    );
    // And it takes new messages.
    let more = Samples::new(SystemEntropy.next_u64()).messages(10);
    store.insert(more).await.unwrap();
    let counts = store.count().await.unwrap();
    [State::Queued, State::Sending, State::Delivered].map(|state| counts.get(state))
}

#[tokio::test]
async fn a_log_that_was_cut_off_loses_its_end_only() {
    let (folder, file, early) = killed().await;
    let whole = length(&file);
    let copy = folder.path().join("copy.db");
    let mut total = 0;
    for part in 0..=8 {
        fs::copy(&file, &copy).unwrap();
        fs::copy(log(&file), log(&copy)).unwrap();
        // In the middle of a frame, and of its header.
        let torn = LOG_HEADER + (whole - LOG_HEADER) * part / 8 - part % 5;
        OpenOptions::new()
            .write(true)
            .open(log(&copy))
            .unwrap()
            .set_len(torn)
            .unwrap();
        let [_, sending, delivered] = expect_sound(&copy, &early).await;
        // Once claimed they stay, or are delivered.
        assert!(sending + delivered >= total, "a longer log gives no less");
        total = sending + delivered;
    }
    assert!(total > 0, "the log held commits");
}

#[tokio::test]
async fn a_log_whose_end_is_garbage_loses_its_end_only() {
    let (folder, file, early) = killed().await;
    let whole = length(&file);
    let copy = folder.path().join("copy.db");
    for bytes in [1, 100, 5_000, 50_000] {
        fs::copy(&file, &copy).unwrap();
        fs::copy(log(&file), log(&copy)).unwrap();
        let from = whole.saturating_sub(bytes).max(LOG_HEADER);
        garble(&log(&copy), from, whole - from);
        expect_sound(&copy, &early).await;
    }
}

#[tokio::test]
async fn a_log_of_garbage_leaves_the_file_as_it_was() {
    let (_folder, file, early) = killed().await;
    garble(&log(&file), 0, length(&file));
    assert_eq!(expect_sound(&file, &early).await, [110, 0, 0]);
}

#[tokio::test]
async fn a_lost_log_leaves_the_file_as_it_was() {
    let (_folder, file, early) = killed().await;
    fs::remove_file(log(&file)).unwrap();
    assert_eq!(expect_sound(&file, &early).await, [110, 0, 0]);
}

fn garble(path: &Path, from: u64, bytes: u64) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(from)).unwrap();
    let garbage: Vec<u8> = (0..bytes)
        .map(|_| SystemEntropy.next_u64().to_le_bytes()[0])
        .collect();
    file.write_all(&garbage).unwrap();
}

/// The log is what survives a kill: it holds commits that the file does not have.
#[tokio::test]
async fn commits_wait_in_the_log() {
    let (folder, file, _) = killed().await;
    let copy = folder.path().join("copy.db");
    fs::copy(&file, &copy).unwrap();
    let rows = |path: &Path| -> i64 {
        let connection = Connection::open(path).unwrap();
        connection
            .query_row("SELECT count(*) FROM message", [], |row| row.get(0))
            .unwrap()
    };
    assert!(rows(&file) > rows(&copy));
}
