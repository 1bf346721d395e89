//! A place with a store and a queue, each opened by every process for itself.

use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use sms_core::conformance::engine::Place;
use sms_core::{Queue, Store};

type Opening<T> = Pin<Box<dyn Future<Output = Arc<T>> + Send>>;

/// Opens a store or a queue once more.
pub(crate) struct Open<T: ?Sized>(Box<dyn Fn() -> Opening<T> + Send + Sync>);

impl<T: ?Sized + Send + Sync + 'static> Open<T> {
    /// One that every process opens for itself.
    pub(crate) fn each<F>(open: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Arc<T>> + Send + 'static,
    {
        Self(Box::new(move || Box::pin(open())))
    }

    /// One that lives in a single process, whose parts share it.
    pub(crate) fn shared(one: Arc<T>) -> Self {
        Self::each(move || std::future::ready(Arc::clone(&one)))
    }
}

pub(crate) struct Pair {
    pub(crate) store: Open<dyn Store>,
    pub(crate) queue: Open<dyn Queue>,
}

#[async_trait]
impl Place for Pair {
    async fn connect(&self) -> (Arc<dyn Store>, Arc<dyn Queue>) {
        ((self.store.0)().await, (self.queue.0)().await)
    }
}
