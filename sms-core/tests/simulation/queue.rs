//! The queues of a run.

use std::sync::Arc;

use sms_core::testing::{Broker, BrokerQueue};
use sms_core::{MemoryQueue, Queue};

use crate::random::Dice;

/// What the processes of a run hear of waiting messages through.
#[derive(Debug)]
pub(crate) enum Hints {
    /// Names each message once, and forgets what it has given away.
    Forgetful(Arc<MemoryQueue>),
    /// Keeps every hint, and gives it to another process when the one that has it dies.
    Broker(Broker),
}

/// What a process has of them.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) queue: Arc<dyn Queue>,
    consumer: Option<Arc<BrokerQueue>>,
}

impl Hints {
    pub(crate) fn roll(dice: &Dice) -> Self {
        if dice.chance(50) {
            Self::Forgetful(Arc::default())
        } else {
            Self::Broker(Broker::new())
        }
    }

    pub(crate) fn connect(&self) -> Connection {
        match self {
            Self::Forgetful(queue) => Connection {
                queue: Arc::clone(queue) as Arc<dyn Queue>,
                consumer: None,
            },
            Self::Broker(broker) => {
                let consumer = Arc::new(broker.connect());
                Connection {
                    queue: Arc::clone(&consumer) as Arc<dyn Queue>,
                    consumer: Some(consumer),
                }
            }
        }
    }
}

impl Connection {
    /// Its process has died; says how many tasks come again because of that.
    pub(crate) fn break_off(&self) -> usize {
        let consumer = self.consumer.as_ref();
        consumer.map_or(0, |consumer| consumer.disconnect())
    }
}
