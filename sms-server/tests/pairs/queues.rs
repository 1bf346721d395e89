//! The queues.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

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
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let mut options = Options::default();
    options.prefix = format!("pair-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    Open::each(move || {
        let (url, options) = (url.clone(), options.clone());
        async move { Arc::new(AmqpQueue::connect(&url, options).await.unwrap()) as Arc<dyn Queue> }
    })
}
