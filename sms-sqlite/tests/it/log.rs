//! The write-ahead log is copied into the file while more is being written.

use std::fs;

use sms_core::conformance::Samples;
use sms_core::{Entropy, Store, SystemEntropy};
use sms_sqlite::SqliteStore;

/// Of a store without this copying, the file would stay empty and the log would hold everything.
#[tokio::test]
async fn the_log_is_copied_while_messages_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sms.db");
    let store = SqliteStore::open(&path).unwrap();
    let samples = Samples::new(SystemEntropy.next_u64());
    let length = |name: &str| fs::metadata(folder.path().join(name)).unwrap().len();
    let mut written = 0;
    // What is in the file came through the log; twice what the log may hold when it is copied.
    while length("sms.db") < 32 * 1024 * 1024 {
        store.insert(samples.messages(200)).await.unwrap();
        written += 200;
        assert!(written <= 200_000, "the file does not grow");
    }
    assert!(
        length("sms.db-wal") < 70 * 1024 * 1024,
        "the log begins anew once it is copied"
    );
    let counts = store.count().await.unwrap();
    assert_eq!(counts.total(), written);
}
