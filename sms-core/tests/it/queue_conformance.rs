//! The queue in memory keeps the rules of every queue.

use std::sync::Arc;

use sms_core::{MemoryQueue, Queue};

async fn fresh() -> (Arc<dyn Queue>, ()) {
    (Arc::new(MemoryQueue::new()), ())
}

sms_core::queue_conformance!(fresh);
