//! Sending from inside one's own program and waiting until the message is delivered: durable,
//! with no server and no broker.
//!
//! `cargo run -p sms-examples --bin embed`

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sms_core::{Engine, MemoryQueue, MessageText, NewMessage, ProviderSetup, State};
use sms_delivery_http::{DeliveryConfig, DeliveryServer};
use sms_provider_http::sandbox::{self, Sandbox, SandboxConfig};
use sms_provider_http::{Built, HttpClient, HttpSettings};
use sms_sqlite::SqliteStore;

/// Where the provider posts its reports. The sandbox is on this machine.
const CALLBACKS: &str = "127.0.0.1:8651";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let sandbox = Sandbox::start(SandboxConfig::default()).await?;
    let Built {
        provider, decoder, ..
    } = to_the_sandbox(&sandbox)?;

    // What your own program does, from here on.
    let store = Arc::new(SqliteStore::open(folder.path().join("sms.db"))?);
    let decoders = HashMap::from([(provider.name().clone(), decoder)]);
    let engine = Engine::builder(store, Arc::new(MemoryQueue::new()))
        .provider(ProviderSetup::new(provider))
        .callback_base(format!("http://{CALLBACKS}"))
        // The queue begins empty; the store does not.
        .hint_all_at_start()
        .build()?;
    let callbacks = DeliveryConfig {
        listen: CALLBACKS.parse()?,
        ..DeliveryConfig::default()
    };
    let callbacks = DeliveryServer::bind(callbacks, engine.clone(), decoders).await?;
    tokio::spawn(callbacks.serve(std::future::pending()));
    let running = engine.start();

    let code = MessageText::new("Your code is 1234")?;
    let accepted = engine
        .accept(NewMessage::new("+79991234567".parse()?, code))
        .await?;
    let mut watch = engine
        .watch(accepted.message.id())
        .await?
        .expect("it was just accepted");
    let mut state = State::Queued;
    while let Some(message) = watch.next().await {
        state = message?.state();
        println!("{state}");
    }
    running.drain(Duration::from_secs(10)).await;

    anyhow::ensure!(state == State::Delivered, "it ended as {state}");
    Ok(())
}

fn to_the_sandbox(sandbox: &Sandbox) -> anyhow::Result<Built> {
    let client = HttpClient::new(&HttpSettings::default())?;
    Ok(sandbox::provider(sandbox, "sandbox".parse()?, &client)?)
}
