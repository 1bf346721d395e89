//! The queues.

use std::sync::Arc;

use sms_amqp::AmqpQueue;
use sms_core::{MemoryQueue, Queue};

use super::{Kind, OpenError, Opening};
use crate::failure::chain;

/// A queue that is open, and what came with it.
pub(crate) struct OpenQueue {
    pub(crate) queue: Arc<dyn Queue>,
    /// Tells how the connection is, and has the dead letters, where there is a broker.
    pub(crate) broker: Option<Arc<AmqpQueue>>,
}

impl OpenQueue {
    /// One within this process.
    pub(crate) fn scratch() -> Self {
        Self {
            queue: Arc::new(MemoryQueue::new()),
            broker: None,
        }
    }
}

pub(super) const KINDS: &[Kind<OpenQueue>] = &[
    Kind {
        schemes: &["memory"],
        form: "memory:",
        shared: false,
        forgets: true,
        check: |_| Ok(()),
        open: |_, _| Box::pin(async { Ok(OpenQueue::scratch()) }),
    },
    Kind {
        schemes: &["amqp", "amqps"],
        form: "amqp://USER:PASSWORD@HOST:5672/VHOST",
        shared: true,
        forgets: false,
        check: |url| {
            let checked = AmqpQueue::check(url, sms_amqp::Options::default());
            checked.map_err(|error| chain(&error))
        },
        open: |url, name| open_amqp(url, name),
    },
];

/// A broker that is down does not keep the queue from being opened: messages are accepted without
/// it, and flow when it is there.
fn open_amqp(url: String, name: String) -> Opening<OpenQueue> {
    Box::pin(async move {
        let mut options = sms_amqp::Options::default();
        options.connection_name = name;
        let opened = AmqpQueue::connect(&url, options).await;
        let broker = opened.map_err(|error| OpenError::from(chain(&error)))?;
        let broker = Arc::new(broker);
        Ok(OpenQueue {
            queue: Arc::clone(&broker) as Arc<dyn Queue>,
            broker: Some(broker),
        })
    })
}
