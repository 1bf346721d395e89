//! The stores.

use std::sync::Arc;

use sms_core::{Limiter, MemoryStore, Store};
use sms_redis::RedisStore;

use super::{Kind, OpenError, Opening};
use crate::failure::chain;

/// A store that is open, and what came with it.
pub(crate) struct OpenStore {
    pub(crate) store: Arc<dyn Store>,
    /// Keeps the throughput of providers over all processes that share the store. Where there is
    /// only one process, it does so itself.
    pub(crate) limiter: Option<Arc<dyn Limiter>>,
    /// Tells how the connections are, where there are any.
    pub(crate) redis: Option<RedisStore>,
}

impl OpenStore {
    /// One in which nothing is meant to be kept.
    pub(crate) fn scratch() -> Self {
        Self::from(Arc::new(MemoryStore::new()) as Arc<dyn Store>)
    }
}

impl From<Arc<dyn Store>> for OpenStore {
    fn from(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            limiter: None,
            redis: None,
        }
    }
}

pub(super) const KINDS: &[Kind<OpenStore>] = &[
    Kind {
        schemes: &["memory"],
        form: "memory:",
        shared: false,
        forgets: true,
        check: |_| Ok(()),
        open: |_, _| Box::pin(async { Ok(OpenStore::scratch()) }),
    },
    Kind {
        schemes: &["sqlite"],
        form: "sqlite:PATH",
        shared: false,
        forgets: false,
        check: |_| Ok(()),
        open: |url, _| open_sqlite(url),
    },
    redis(
        &["redis", "rediss", "valkey", "valkeys"],
        "redis://HOST:6379/0",
    ),
    redis(
        &[
            "redis+cluster",
            "rediss+cluster",
            "valkey+cluster",
            "valkeys+cluster",
        ],
        "redis+cluster://HOST:6379,HOST:6379",
    ),
    redis(
        &[
            "redis+sentinel",
            "rediss+sentinel",
            "valkey+sentinel",
            "valkeys+sentinel",
        ],
        "redis+sentinel://HOST:26379,HOST:26379/NAME",
    ),
];

const fn redis(schemes: &'static [&'static str], form: &'static str) -> Kind<OpenStore> {
    Kind {
        schemes,
        form,
        shared: true,
        forgets: false,
        check: |url| redis_options(url).map(drop),
        open: |url, _| open_redis(url),
    }
}

fn redis_options(url: &str) -> Result<sms_redis::Options, String> {
    url.parse()
        .map_err(|error: sms_redis::ConnectError| chain(&error))
}

fn open_redis(url: String) -> Opening<OpenStore> {
    Box::pin(async move {
        let options = redis_options(&url)?;
        let opened = RedisStore::connect(&options).await;
        let store = opened.map_err(|error| OpenError {
            is_passing: error.is_passing(),
            words: chain(&error),
        })?;
        Ok(OpenStore {
            limiter: Some(Arc::new(store.limiter())),
            redis: Some(store.clone()),
            store: Arc::new(store),
        })
    })
}

fn open_sqlite(url: String) -> Opening<OpenStore> {
    Box::pin(async move {
        let path = url.strip_prefix("sqlite:").unwrap_or_default().to_owned();
        let opened = tokio::task::spawn_blocking(move || sms_sqlite::SqliteStore::open(path)).await;
        match opened {
            Ok(Ok(store)) => Ok(OpenStore::from(Arc::new(store) as Arc<dyn Store>)),
            Ok(Err(error)) => Err(chain(&error).into()),
            Err(error) => Err(error.to_string().into()),
        }
    })
}
