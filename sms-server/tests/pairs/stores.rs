//! The stores, each empty.

use std::sync::{Arc, OnceLock};

use sms_core::{MemoryStore, Store};
use sms_sqlite::SqliteStore;

use crate::cluster::Cluster;
use crate::place::Open;
use crate::server::{Server, fresh_prefix, store_at};

pub(crate) fn memory() -> Open<dyn Store> {
    Open::shared(Arc::new(MemoryStore::new()))
}

/// A file is open in one process at a time.
pub(crate) fn sqlite() -> Open<dyn Store> {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path().join("sms.db")).unwrap());
    Open::each(move || {
        // The folder lives as long as this closure.
        let _kept = &folder;
        std::future::ready(Arc::clone(&store))
    })
}

pub(crate) fn redis() -> Open<dyn Store> {
    static SERVER: OnceLock<Server> = OnceLock::new();
    at(&SERVER.get_or_init(Server::start).url())
}

/// Six nodes on this machine: three masters, each with a replica.
pub(crate) fn redis_cluster() -> Open<dyn Store> {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    at(&CLUSTER.get_or_init(Cluster::start).url())
}

fn at(server: &str) -> Open<dyn Store> {
    let url = format!("{server}?timeout=10s&prefix={}", fresh_prefix());
    Open::each(move || {
        let url = url.clone();
        async move { Arc::new(store_at(&url).await) as Arc<dyn Store> }
    })
}
