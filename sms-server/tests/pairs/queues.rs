//! The queues.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use sms_amqp::{AmqpQueue, Options};
use sms_core::{MemoryQueue, Queue};

use crate::broker::Broker;
use crate::place::Open;

pub(crate) fn memory() -> Open<dyn Queue> {
    Open::shared(Arc::new(MemoryQueue::new()))
}

pub(crate) fn rabbitmq() -> Open<dyn Queue> {
    static BROKER: OnceLock<Broker> = OnceLock::new();
    let url = BROKER.get_or_init(Broker::start).url();
    let names = Names::take();
    Open::each(move || {
        let url = url.clone();
        let mut options = Options::default();
        options.prefix.clone_from(&names.0);
        async move { Arc::new(AmqpQueue::connect(&url, options).await.unwrap()) as Arc<dyn Queue> }
    })
}

/// What the names of queues begin with that no other test uses at the same time. Tests use them
/// one after the other, because a broker takes its time to make queues. Hints that one left lead
/// to no message of the next.
struct Names(String);

static FREE: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl Names {
    fn take() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let fresh = || format!("pair-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        Self(FREE.lock().unwrap().pop().unwrap_or_else(fresh))
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        FREE.lock().unwrap().push(std::mem::take(&mut self.0));
    }
}
