//! `grpc.health.v1` follows the store, so that load balancers send calls to where they can be
//! answered.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use sms_core::Engine;
use sms_grpc::Health;
use tokio::time::{sleep, timeout};

/// How often the store is asked: about as often as probes ask `/readyz`.
const PERIOD: Duration = Duration::from_secs(2);
/// How long it may take, as for `/readyz`.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tells `health` whether the store answers, for as long as this is polled.
pub(super) async fn follow(engine: &Engine, health: Option<&Health>) -> Infallible {
    let Some(health) = health else {
        return pending().await;
    };
    loop {
        let asked = timeout(PATIENCE, engine.next_deadline()).await;
        health.set_serving(matches!(asked, Ok(Ok(_))));
        sleep(PERIOD).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU8, Ordering};

    use sms_core::testing::{Call, Fault, Faults, FaultyStore, ScriptedProvider};
    use sms_core::{MemoryQueue, MemoryStore, ProviderSetup};
    use sms_grpc::{GrpcConfig, GrpcServer};

    use super::*;

    const SOUND: u8 = 0;
    const REFUSING: u8 = 1;
    const SILENT: u8 = 2;

    /// How the store is.
    #[derive(Debug)]
    struct Weather(AtomicU8);

    impl Faults for Weather {
        fn choose(&self, _call: Call) -> Fault {
            match self.0.load(Ordering::Relaxed) {
                SOUND => Fault::None,
                REFUSING => Fault::Refuse,
                _ => Fault::HangBefore,
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn health_turns_with_the_store_and_back() {
        let weather = Arc::new(Weather(AtomicU8::new(SOUND)));
        let store = FaultyStore::new(Arc::new(MemoryStore::new()), weather.clone());
        let provider = ScriptedProvider::new("main").unwrap();
        let engine = Engine::builder(Arc::new(store), Arc::new(MemoryQueue::new()))
            .provider(ProviderSetup::new(Arc::new(provider)))
            .build()
            .unwrap();
        let config = GrpcConfig::new(([127, 0, 0, 1], 0).into());
        let health = GrpcServer::bind(config, engine.clone()).unwrap().health();
        for (now, serves) in [
            (SOUND, true),
            (REFUSING, false),
            (SOUND, true),
            (SILENT, false),
        ] {
            weather.0.store(now, Ordering::Relaxed);
            let following = follow(&engine, Some(&health));
            assert!(timeout(PATIENCE + PERIOD, following).await.is_err());
            assert_eq!(health.is_serving(), serves, "{now}");
        }
    }
}
