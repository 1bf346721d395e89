//! The engine keeps its promises over the store and the queue in memory.

use std::sync::Arc;

use sms_core::conformance::engine::Place;
use sms_core::{MemoryQueue, MemoryStore, Queue, Store};

async fn fresh() -> (Arc<dyn Place>, ()) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let queue: Arc<dyn Queue> = Arc::new(MemoryQueue::new());
    (Arc::new((store, queue)), ())
}

sms_core::engine_conformance!(fresh);
