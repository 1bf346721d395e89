//! The rules of every store, on one server and on a cluster.

use std::sync::{Arc, OnceLock};

use sms_core::Store;

use crate::cluster::Cluster;
use crate::server::{Server, fresh_prefix, store_at};

/// One server for all these tests: each has a store of its own on it.
fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::start)
}

pub(crate) fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(Cluster::start)
}

fn fresh_url(url: &str, shards: u16) -> String {
    format!(
        "{url}?timeout=10s&shards={shards}&prefix={}",
        fresh_prefix()
    )
}

mod single {
    use super::*;

    async fn fresh() -> (Arc<dyn Store>, ()) {
        (Arc::new(store_at(&fresh_url(&server().url(), 1)).await), ())
    }

    sms_core::store_conformance!(fresh);

    async fn place() -> (impl AsyncFn() -> Arc<dyn Store>, ()) {
        let url = fresh_url(&server().url(), 1);
        let reopen = async move || Arc::new(store_at(&url).await) as Arc<dyn Store>;
        (reopen, ())
    }

    sms_core::store_durability!(place);
}

mod single_with_shards {
    use super::*;

    async fn fresh() -> (Arc<dyn Store>, ()) {
        (
            Arc::new(store_at(&fresh_url(&server().url(), 16)).await),
            (),
        )
    }

    sms_core::store_conformance!(fresh);

    async fn place() -> (impl AsyncFn() -> Arc<dyn Store>, ()) {
        let url = fresh_url(&server().url(), 16);
        let reopen = async move || Arc::new(store_at(&url).await) as Arc<dyn Store>;
        (reopen, ())
    }

    sms_core::store_durability!(place);
}

mod cluster_of_six {
    use super::*;

    async fn fresh() -> (Arc<dyn Store>, ()) {
        (
            Arc::new(store_at(&fresh_url(&cluster().url(), 16)).await),
            (),
        )
    }

    sms_core::store_conformance!(fresh);

    async fn place() -> (impl AsyncFn() -> Arc<dyn Store>, ()) {
        let url = fresh_url(&cluster().url(), 16);
        let reopen = async move || Arc::new(store_at(&url).await) as Arc<dyn Store>;
        (reopen, ())
    }

    sms_core::store_durability!(place);
}
