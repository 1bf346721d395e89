//! Rows that cannot be read any more.

use std::path::PathBuf;
use std::time::Duration;

use rusqlite::Connection;
use sms_core::conformance::{Samples, finished};
use sms_core::{ParkedReport, ReportKey, State, Store, Timestamp};
use sms_sqlite::SqliteStore;

struct File {
    folder: tempfile::TempDir,
}

impl File {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("sms.db")
    }

    fn open(&self) -> SqliteStore {
        SqliteStore::open(self.path()).unwrap()
    }

    /// Changes the file behind the back of its store, which must be closed.
    fn spoil(&self, sql: &str) {
        let connection = Connection::open(self.path()).unwrap();
        assert!(connection.execute(sql, []).unwrap() > 0);
    }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000) + Duration::from_secs(seconds)
}

/// Ten reports of one key each, of which the first eight cannot be read.
async fn parked(file: &File, key: impl Fn(&Samples) -> ReportKey) -> Vec<ParkedReport> {
    let samples = Samples::new(1);
    let store = file.open();
    let mut reports = Vec::new();
    for seconds in 0..10 {
        let mut parked = samples.parked(&key(&samples), at(seconds));
        parked.report.code = Some(seconds.to_string());
        store.park(vec![parked.clone()]).await.unwrap();
        reports.push(parked);
    }
    drop(store);
    file.spoil("UPDATE parked SET report = '{' WHERE number <= 8");
    reports
}

#[tokio::test]
async fn parked_reports_that_cannot_be_read_do_not_take_the_place_of_others() {
    let file = File::new();
    let reports = parked(&file, Samples::key).await;
    let due = file.open().parked_due(at(100), 2).await.unwrap();
    assert_eq!(due, reports[8..]);
}

#[tokio::test]
async fn a_parked_report_that_cannot_be_read_leaves_its_key_usable() {
    let file = File::new();
    let samples = Samples::new(2);
    let key = samples.key();
    let mut reports = parked(&file, |_| key.clone()).await.split_off(8);
    let store = file.open();
    let found = async || store.parked(std::slice::from_ref(&key)).await.unwrap();
    assert_eq!(found().await, reports);
    let another = samples.parked(&key, at(1));
    store.park(vec![another.clone()]).await.unwrap();
    store.unpark(vec![reports.remove(0)]).await.unwrap();
    reports.push(another);
    assert_eq!(found().await, reports);
}

#[tokio::test]
async fn a_state_that_cannot_be_read_keeps_nothing_from_being_removed() {
    let file = File::new();
    let store = file.open();
    let samples = Samples::new(3);
    let messages = samples.messages(3);
    store.insert(messages.clone()).await.unwrap();
    let ends = messages
        .iter()
        .map(|message| finished(message, State::Failed, samples.now()));
    store.commit(ends.collect()).await.unwrap();
    drop(store);
    file.spoil("UPDATE progress SET state = '?' WHERE seq = (SELECT min(seq) FROM progress)");
    let store = file.open();
    assert_eq!(store.remove_finished(Timestamp::MAX, 10).await.unwrap(), 3);
    let ids: Vec<_> = messages.iter().map(sms_core::Message::id).collect();
    assert_eq!(store.load(&ids).await.unwrap(), [None, None, None]);
}
