//! The queues in memory keep the rules of every queue.

mod memory {
    use std::sync::Arc;

    use sms_core::{MemoryQueue, Queue};

    async fn fresh() -> (Arc<dyn Queue>, ()) {
        (Arc::new(MemoryQueue::new()), ())
    }

    sms_core::queue_conformance!(fresh);
}

mod broker {
    use std::sync::Arc;

    use sms_core::Queue;
    use sms_core::testing::Broker;

    async fn fresh() -> (Arc<dyn Queue>, ()) {
        (Arc::new(Broker::new().connect()), ())
    }

    async fn shared() -> (impl AsyncFn() -> Arc<dyn Queue>, ()) {
        let broker = Broker::new();
        let connect = async move || Arc::new(broker.connect()) as Arc<dyn Queue>;
        (connect, ())
    }

    sms_core::queue_conformance!(fresh);
    sms_core::queue_redelivery!(shared);
}
