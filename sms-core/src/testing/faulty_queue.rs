//! A queue whose calls go wrong on demand.

use std::sync::Arc;

use async_trait::async_trait;

use super::faults::{Call, Fault, Faults, Port, under};
use crate::{Hint, ProviderName, Queue, QueueError, Receipt, Task};

/// Passes every call on to another queue, under the fault that is chosen for it.
#[derive(Debug, Clone)]
pub struct FaultyQueue {
    queue: Arc<dyn Queue>,
    faults: Arc<dyn Faults>,
}

impl FaultyQueue {
    /// Decorates a queue.
    #[must_use]
    pub fn new(queue: Arc<dyn Queue>, faults: Arc<dyn Faults>) -> Self {
        Self { queue, faults }
    }

    fn choose(&self, method: &'static str) -> Fault {
        let port = Port::Queue;
        self.faults.choose(Call { port, method })
    }
}

#[async_trait]
impl Queue for FaultyQueue {
    async fn push(&self, hints: Vec<Hint>) -> Result<(), QueueError> {
        let fault = self.choose("push");
        match fault {
            Fault::Lose => return Ok(()),
            Fault::Double => self.queue.push(hints.clone()).await?,
            _ => {}
        }
        under(fault, self.queue.push(hints), || QueueError::new("push")).await
    }

    async fn lease(&self, route: &ProviderName, most: usize) -> Result<Vec<Task>, QueueError> {
        let call = self.queue.lease(route, most);
        under(self.choose("lease"), call, || QueueError::new("lease")).await
    }

    async fn acknowledge(&self, receipts: Vec<Receipt>) -> Result<(), QueueError> {
        let call = self.queue.acknowledge(receipts);
        let fault = self.choose("acknowledge");
        under(fault, call, || QueueError::new("acknowledge")).await
    }
}
