//! Stores and queues by the scheme of their URL. A new one is a line in a table here.

mod queue;
mod store;

use std::future::Future;
use std::pin::Pin;

use crate::config::show::mask_backend_url;
pub(crate) use queue::OpenQueue;
pub(crate) use store::OpenStore;

type Opening<T> = Pin<Box<dyn Future<Output = Result<T, OpenError>> + Send>>;

/// What some schemes stand for.
struct Kind<T> {
    /// The schemes.
    schemes: &'static [&'static str],
    /// How its URL is written.
    form: &'static str,
    /// Whether processes on other machines, or beside this one, share it.
    shared: bool,
    /// Whether it forgets everything with the process.
    forgets: bool,
    /// Says what is wrong with a URL, without opening anything.
    check: fn(url: &str) -> Result<(), String>,
    /// Opens it, under a name that its server may show.
    open: fn(url: String, name: String) -> Opening<T>,
}

/// Why something could not be opened.
#[derive(Debug)]
pub(crate) struct OpenError {
    /// What is wrong, and what to do.
    pub(crate) words: String,
    /// Whether it may work later, although nobody changes the configuration.
    pub(crate) is_passing: bool,
}

impl From<String> for OpenError {
    /// Nothing that passes.
    fn from(words: String) -> Self {
        Self {
            words,
            is_passing: false,
        }
    }
}

/// A store or a queue that was found by its URL and is not open yet.
pub(crate) struct Backend<T: 'static> {
    kind: &'static Kind<T>,
    url: String,
}

/// Finds the store of a URL.
pub(crate) fn store(url: &str) -> Result<Backend<OpenStore>, String> {
    find(store::KINDS, url)
}

/// Finds the queue of a URL.
pub(crate) fn queue(url: &str) -> Result<Backend<OpenQueue>, String> {
    find(queue::KINDS, url)
}

fn find<T>(kinds: &'static [Kind<T>], url: &str) -> Result<Backend<T>, String> {
    let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
    let Some(kind) = kinds.iter().find(|kind| kind.schemes.contains(&scheme)) else {
        let forms: Vec<_> = kinds.iter().map(|kind| kind.form).collect();
        let forms = forms.join(" or ");
        let url = mask_backend_url(url);
        return Err(format!(
            "{url:?} is nothing this program can open; write {forms}"
        ));
    };
    if kind.form.ends_with(':') != rest.is_empty() {
        return Err(format!("write it as {}", kind.form));
    }
    (kind.check)(url)?;
    Ok(Backend {
        kind,
        url: url.to_owned(),
    })
}

impl<T> Backend<T> {
    /// Whether other processes share it.
    pub(crate) fn is_shared(&self) -> bool {
        self.kind.shared
    }

    /// Whether it forgets everything with the process.
    pub(crate) fn forgets(&self) -> bool {
        self.kind.forgets
    }

    /// Its URL, fit to be shown.
    pub(crate) fn shown(&self) -> String {
        mask_backend_url(&self.url)
    }

    /// Opens it, under a name that its server may show.
    pub(crate) async fn open(&self, name: &str) -> Result<T, OpenError> {
        (self.kind.open)(self.url.clone(), name.to_owned()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_cannot_be_opened_says_what_can() {
        for (url, expected) in [
            ("sqlite", "write it as sqlite:PATH"),
            ("sqlite:", "write it as sqlite:PATH"),
            ("memory:x", "write it as memory:"),
            (
                "mongo://me:hunter2@host",
                "\"mongo://me:***@host\" is nothing this program can open; write memory: or \
                 sqlite:PATH or redis://HOST:6379/0 or redis+cluster://HOST:6379,HOST:6379 or \
                 redis+sentinel://HOST:26379,HOST:26379/NAME",
            ),
            (
                "redis//:hunter2@h:6379/0",
                "\"***@h:6379/0\" is nothing this program can open; write memory: or sqlite:PATH or \
                 redis://HOST:6379/0 or redis+cluster://HOST:6379,HOST:6379 or \
                 redis+sentinel://HOST:26379,HOST:26379/NAME",
            ),
            (
                "redis+cluster://host/1",
                "the Redis URL: database: a cluster has only the database 0",
            ),
            (
                "rediss://:hunter2?@host",
                "the Redis URL: password: has a / or ? in the password: write them as %2F and \
                 %3F, and an @ as %40",
            ),
        ] {
            assert_eq!(store(url).err().as_deref(), Some(expected), "{url}");
        }
        for (url, expected) in [
            (
                "kafka://host",
                "write memory: or amqp://USER:PASSWORD@HOST:5672/VHOST",
            ),
            (
                "amqp://me:hunter2@host?hartbeat=1",
                "unknown parameter \"hartbeat\"",
            ),
            (
                "amqp//me:hunter2@host",
                "\"***@host\" is nothing this program",
            ),
            ("amqp:/me:hunter2@host", "write it as amqp://"),
            ("amqps://host?prefix=", "prefix"),
            ("amqp:", "write it as amqp://"),
        ] {
            let words = queue(url).err().unwrap();
            assert!(words.contains(expected), "{url}: {words}");
            assert!(!words.contains("hunter2"), "{words}");
        }
    }

    #[test]
    fn what_serves_many_processes_is_known() {
        for url in [
            "redis://host",
            "rediss://host",
            "redis+cluster://a,b",
            "rediss+cluster://a",
            "redis+sentinel://a/main",
            "valkey://host/3",
            "valkeys+cluster://a,b",
        ] {
            let store = store(url).unwrap_or_else(|words| panic!("{url}: {words}"));
            assert!(store.is_shared() && !store.forgets(), "{url}");
        }
        let store = store("sqlite:x.db").unwrap_or_else(|words| panic!("{words}"));
        assert!(!store.is_shared() && !store.forgets());
        for (url, shared) in [
            ("amqp://host", true),
            ("amqps://u:p@host/v", true),
            ("memory:", false),
        ] {
            let queue = queue(url).unwrap_or_else(|words| panic!("{url}: {words}"));
            assert_eq!(
                (queue.is_shared(), queue.forgets()),
                (shared, !shared),
                "{url}"
            );
        }
    }
}
