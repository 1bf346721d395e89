//! The rules of every store, and of every store that outlives its process.

use std::sync::Arc;

use sms_core::Store;
use sms_sqlite::SqliteStore;
use tempfile::TempDir;

async fn fresh() -> (Arc<dyn Store>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("sms.db")).unwrap();
    (Arc::new(store), folder)
}

sms_core::store_conformance!(fresh);

async fn place() -> (impl AsyncFn() -> Arc<dyn Store>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sms.db");
    let reopen = async move || Arc::new(SqliteStore::open(&path).unwrap()) as Arc<dyn Store>;
    (reopen, folder)
}

sms_core::store_durability!(place);
