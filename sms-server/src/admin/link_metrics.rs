//! The metrics of the connections, for processes that have any.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use sms_amqp::LinkState;

use super::links::Links;

/// The metrics of the connections, looked up at each scrape.
pub(super) struct LinkMetrics {
    links: Links,
    queue: QueueMetrics,
    redis: RedisMetrics,
}

#[derive(Default)]
struct QueueMetrics {
    up: Gauge,
    blocked: Gauge,
    connections: Counter,
    consumer_restarts: Counter,
    undecodable: Counter,
    returned: Counter,
}

#[derive(Default)]
struct RedisMetrics {
    up: Family<ServerLabel, Gauge>,
    connections: Family<ServerLabel, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServerLabel {
    server: String,
}

impl LinkMetrics {
    /// Registers what there is to tell.
    pub(super) fn register(registry: &mut Registry, links: Links) -> Self {
        let (queue, redis) = (QueueMetrics::default(), RedisMetrics::default());
        if links.broker.is_some() {
            queue.register(registry);
        }
        if links.redis.is_some() {
            redis.register(registry);
        }
        Self {
            links,
            queue,
            redis,
        }
    }

    /// Looks how things are.
    pub(super) fn update(&self) {
        if let Some(broker) = &self.links.broker {
            self.queue.update(&broker.health());
        }
        if let Some(store) = &self.links.redis {
            self.redis.update(&store.health());
        }
    }
}

impl QueueMetrics {
    fn register(&self, registry: &mut Registry) {
        registry.register(
            "queue_up",
            "Whether there is a connection to the broker: 1 or 0",
            self.up.clone(),
        );
        registry.register(
            "queue_blocked",
            "Whether the broker takes no hints because it is short of memory or disk: 1 or 0",
            self.blocked.clone(),
        );
        registry.register(
            "queue_connections",
            "How often the connection to the broker was made, the first time included",
            self.connections.clone(),
        );
        registry.register(
            "queue_consumer_restarts",
            "Consumers started again: closed, their queue deleted, or idle although hints waited",
            self.consumer_restarts.clone(),
        );
        registry.register(
            "queue_undecodable",
            "Hints that could not be read; they are among the dead letters",
            self.undecodable.clone(),
        );
        registry.register(
            "queue_returned",
            "Hints that came back because their queue was gone, and were pushed again",
            self.returned.clone(),
        );
    }

    fn update(&self, health: &sms_amqp::Health) {
        let is_down = matches!(health.link, LinkState::Down { .. });
        let is_blocked = matches!(health.link, LinkState::Blocked { .. });
        self.up.set(i64::from(!is_down));
        self.blocked.set(i64::from(is_blocked));
        set(&self.connections, health.connections);
        set(&self.consumer_restarts, health.consumer_restarts);
        set(&self.undecodable, health.undecodable);
        set(&self.returned, health.returned);
    }
}

impl RedisMetrics {
    fn register(&self, registry: &mut Registry) {
        registry.register(
            "redis_up",
            "Whether there are connections to a Redis server: 1 or 0",
            self.up.clone(),
        );
        registry.register(
            "redis_connections",
            "How many connections to a Redis server were made; there are two at a time",
            self.connections.clone(),
        );
    }

    fn update(&self, health: &sms_redis::Health) {
        // A master that was replaced is not told any more.
        self.up.clear();
        self.connections.clear();
        for server in &health.servers {
            let label = ServerLabel {
                server: server.address.clone(),
            };
            let up = self.up.get_or_create(&label);
            up.set(i64::from(server.is_connected));
            set(&self.connections.get_or_create(&label), server.connections);
        }
    }
}

/// Sets a counter to what was counted elsewhere.
pub(super) fn set(counter: &Counter<u64, AtomicU64>, count: u64) {
    counter.inner().store(count, Ordering::Relaxed);
}
