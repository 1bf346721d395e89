//! The engine keeps its promises over every pair of a store and a queue that the server offers.
//! The servers are real ones, which these tests start and share.

// Helpers of tests are tests, too.
#![allow(clippy::unwrap_used)]

// Those who wrote the adapters know how to start their servers. Each binary uses a part of that.
#[allow(dead_code)]
#[path = "../../../sms-amqp/tests/it/broker.rs"]
mod broker;
#[allow(dead_code)]
#[path = "../../../sms-redis/tests/it/cluster.rs"]
mod cluster;
#[allow(dead_code)]
#[path = "../../../sms-redis/tests/it/server.rs"]
mod server;

mod place;
mod queues;
mod stores;

macro_rules! pair {
    ($name:ident: $store:ident, $queue:ident) => {
        mod $name {
            use std::sync::Arc;

            use sms_core::conformance::engine::Place;

            async fn fresh() -> (Arc<dyn Place>, ()) {
                let store = crate::stores::$store();
                let queue = crate::queues::$queue();
                (Arc::new(crate::place::Pair { store, queue }), ())
            }

            sms_core::engine_conformance!(fresh);
        }
    };
}

pair!(memory_and_memory: memory, memory);
pair!(memory_and_rabbitmq: memory, rabbitmq);
pair!(sqlite_and_memory: sqlite, memory);
pair!(sqlite_and_rabbitmq: sqlite, rabbitmq);
pair!(redis_and_memory: redis, memory);
pair!(redis_and_rabbitmq: redis, rabbitmq);
pair!(redis_cluster_and_memory: redis_cluster, memory);
pair!(redis_cluster_and_rabbitmq: redis_cluster, rabbitmq);
