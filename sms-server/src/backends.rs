//! Stores and queues by the scheme of their URL. A new one is a line in a table here.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use sms_core::{MemoryQueue, MemoryStore, Queue, Store};

use crate::config::show::mask_url;
use crate::failure::chain;

type Opening<T> = Pin<Box<dyn Future<Output = Result<Arc<T>, String>> + Send>>;

/// What a scheme stands for.
struct Scheme<T: ?Sized> {
    name: &'static str,
    /// How its URL is written.
    form: &'static str,
    /// Whether processes on other machines, or beside this one, share it.
    shared: bool,
    /// Whether it forgets everything with the process.
    forgets: bool,
    /// Opens it; `rest` is what stands behind the scheme's colon.
    open: fn(rest: String) -> Opening<T>,
}

const STORES: &[Scheme<dyn Store>] = &[
    Scheme {
        name: "memory",
        form: "memory:",
        shared: false,
        forgets: true,
        open: |_| Box::pin(async { Ok(Arc::new(MemoryStore::new()) as Arc<dyn Store>) }),
    },
    Scheme {
        name: "sqlite",
        form: "sqlite:PATH",
        shared: false,
        forgets: false,
        open: |path| Box::pin(open_sqlite(path)),
    },
];

const QUEUES: &[Scheme<dyn Queue>] = &[Scheme {
    name: "memory",
    form: "memory:",
    shared: false,
    forgets: true,
    open: |_| Box::pin(async { Ok(Arc::new(MemoryQueue::new()) as Arc<dyn Queue>) }),
}];

/// Schemes that are known to exist, but not in this build.
const ABSENT: [(&str, &str); 7] = [
    ("redis", "Redis"),
    ("rediss", "Redis"),
    ("redis+cluster", "Redis Cluster"),
    ("rediss+cluster", "Redis Cluster"),
    ("valkey", "Valkey"),
    ("amqp", "RabbitMQ"),
    ("amqps", "RabbitMQ"),
];

/// A store or a queue that was found by its URL and is not open yet.
pub(crate) struct Backend<T: ?Sized + 'static> {
    scheme: &'static Scheme<T>,
    rest: String,
}

/// Finds the store of a URL.
pub(crate) fn store(url: &str) -> Result<Backend<dyn Store>, String> {
    find(STORES, url)
}

/// Finds the queue of a URL.
pub(crate) fn queue(url: &str) -> Result<Backend<dyn Queue>, String> {
    find(QUEUES, url)
}

fn find<T: ?Sized>(schemes: &'static [Scheme<T>], url: &str) -> Result<Backend<T>, String> {
    let (name, rest) = url.split_once(':').unwrap_or((url, ""));
    if let Some(scheme) = schemes.iter().find(|scheme| scheme.name == name) {
        if scheme.form.ends_with(':') != rest.is_empty() {
            return Err(format!("write it as {}", scheme.form));
        }
        return Ok(Backend {
            scheme,
            rest: rest.to_owned(),
        });
    }
    let forms: Vec<_> = schemes.iter().map(|scheme| scheme.form).collect();
    let forms = forms.join(" or ");
    Err(match ABSENT.iter().find(|(absent, _)| *absent == name) {
        Some((_, product)) => format!("this build has no {product}; write {forms}"),
        None => format!(
            "{:?} is nothing this build can open; write {forms}",
            mask_url(url)
        ),
    })
}

impl<T: ?Sized> Backend<T> {
    /// Whether other processes share it.
    pub(crate) fn is_shared(&self) -> bool {
        self.scheme.shared
    }

    /// Whether it forgets everything with the process.
    pub(crate) fn forgets(&self) -> bool {
        self.scheme.forgets
    }

    /// Opens it.
    pub(crate) async fn open(self) -> Result<Arc<T>, String> {
        (self.scheme.open)(self.rest).await
    }
}

async fn open_sqlite(path: String) -> Result<Arc<dyn Store>, String> {
    let opened = tokio::task::spawn_blocking(move || sms_sqlite::SqliteStore::open(path)).await;
    match opened {
        Ok(Ok(store)) => Ok(Arc::new(store)),
        Ok(Err(error)) => Err(chain(&error)),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_cannot_be_opened_says_what_can() {
        for (url, expected) in [
            (
                "redis://host",
                "this build has no Redis; write memory: or sqlite:PATH",
            ),
            ("sqlite", "write it as sqlite:PATH"),
            ("sqlite:", "write it as sqlite:PATH"),
            ("memory:x", "write it as memory:"),
            (
                "mongo://me:hunter2@host",
                "\"mongo://me:***@host\" is nothing this build can open; write memory: or \
                 sqlite:PATH",
            ),
        ] {
            assert_eq!(store(url).err().as_deref(), Some(expected), "{url}");
        }
        let expected = "this build has no RabbitMQ; write memory:";
        assert_eq!(queue("amqp://host").err().as_deref(), Some(expected));
    }
}
