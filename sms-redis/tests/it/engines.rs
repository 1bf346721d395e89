//! Engines over a store on Redis.

use std::sync::Arc;
use std::time::Duration;

use sms_core::testing::ScriptedProvider;
use sms_core::{Engine, EngineBuilder, MemoryQueue, NewMessage, Provider, ProviderSetup};
use sms_redis::RedisStore;

/// One with a provider that takes everything.
pub(crate) fn engine(store: &RedisStore, provider: &Arc<ScriptedProvider>) -> EngineBuilder {
    Engine::builder(Arc::new(store.clone()), Arc::new(MemoryQueue::new()))
        .provider(ProviderSetup::new(Arc::clone(provider) as Arc<dyn Provider>))
        .sweep_interval(Duration::from_millis(50))
}

pub(crate) fn provider() -> Arc<ScriptedProvider> {
    Arc::new(ScriptedProvider::new("main").unwrap())
}

pub(crate) fn new_message() -> NewMessage {
    let number = "+79991234567".parse().unwrap();
    NewMessage::new(number, "Your code is 123456".parse().unwrap())
}
