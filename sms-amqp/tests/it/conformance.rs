//! The shared rules for queues.

use std::sync::Arc;

use sms_amqp::{AmqpQueue, Options};
use sms_core::Queue;

use crate::broker::{self, Shared};
use crate::setup::{connect, options};

async fn fresh() -> (Arc<dyn Queue>, Shared) {
    let broker = broker::shared().await;
    let queue = connect(&broker.url(), &options()).await;
    (Arc::new(queue), broker)
}

async fn several() -> (impl AsyncFn() -> Arc<dyn Queue>, Shared) {
    let broker = broker::shared().await;
    let (url, options) = (broker.url(), options());
    let connect = async move || open(&url, &options).await;
    (connect, broker)
}

async fn open(url: &str, options: &Options) -> Arc<dyn Queue> {
    let queue: AmqpQueue = connect(url, options).await;
    Arc::new(queue)
}

mod queue {
    sms_core::queue_conformance!(super::fresh);
}

mod redelivery {
    sms_core::queue_redelivery!(super::several);
}
