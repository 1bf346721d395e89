//! Gathering calls for each part of a store by itself: a part that is away holds up only what
//! belongs to it.

use std::fmt;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::batch::{Batcher, Work};
use crate::{MessageId, Store};

/// A batcher for each part of a store.
pub(super) struct Parts<W: Work> {
    store: Arc<dyn Store>,
    batchers: Vec<Batcher<W>>,
}

impl<W: Work> Parts<W> {
    /// Batches of at most `most` items of one part, at most `concurrency` of them at a time.
    pub(super) fn new(
        store: &Arc<dyn Store>,
        work: fn(Arc<dyn Store>) -> W,
        most: usize,
        concurrency: usize,
    ) -> Self {
        let batcher = |_| Batcher::new(work(Arc::clone(store)), most, concurrency);
        Self {
            store: Arc::clone(store),
            batchers: (0..store.parts().max(1)).map(batcher).collect(),
        }
    }

    /// Adds an item that is about a message, as [`Batcher::add`] does.
    pub(super) fn add(&self, id: MessageId, item: W::Item) -> oneshot::Receiver<W::Answer> {
        let part = self.store.part_of(id) % self.batchers.len();
        self.batchers[part].add(item)
    }
}

impl<W: Work> fmt::Debug for Parts<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("count", &self.batchers.len())
            .finish_non_exhaustive()
    }
}
