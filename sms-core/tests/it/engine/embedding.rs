//! The shortest way to send a message from one's own process, and the whole way of one.

use std::sync::Arc;

use sms_core::testing::ScriptedProvider;
use sms_core::{CallbackPath, Engine, MemoryQueue, MemoryStore, ReportStatus, Reported, State};

use super::rig::{Diary, Rig, SECOND, accept, by_provider_id, name, new_message};

#[tokio::test(start_paused = true)]
async fn a_message_is_sent_in_a_few_lines() {
    let provider = ScriptedProvider::new("main").unwrap();
    let engine = Engine::builder(Arc::new(MemoryStore::new()), Arc::new(MemoryQueue::new()))
        .provider(provider)
        .build()
        .unwrap();
    let _running = engine.start();
    let accepted = engine.accept(new_message()).await.unwrap();
    let mut watch = engine.watch(accepted.message.id()).await.unwrap().unwrap();
    while watch.next().await.unwrap().unwrap().state() != State::Sent {}
}

#[tokio::test(start_paused = true)]
async fn from_accepted_to_delivered() {
    let rig = Rig::new();
    let diary = Arc::new(Diary::default());
    let engine = rig
        .bare(&Arc::default())
        .provider(rig.setup())
        .observer(diary.clone())
        .callback_base("https://sms.example.com")
        .build()
        .unwrap();
    let running = engine.start();
    let id = accept(&engine).await;
    let message = rig.until(id, State::Sent).await;
    let submission = rig.provider.submissions().remove(0);
    assert_eq!(submission.id, id);
    assert_eq!(submission.reference, id.reference());
    assert_eq!(submission.attempt, 1);
    assert_eq!(submission.to, message.request.to);
    assert_eq!(submission.text.as_str(), "Your code is 123456");
    let url = submission.callback_url.unwrap();
    let path = url.expose().strip_prefix("https://sms.example.com");
    let path = path.unwrap().parse().unwrap();
    assert!(engine.callback_is_genuine(&path).await.unwrap());

    let report = by_provider_id("provider-1", ReportStatus::Delivered);
    let reported = engine.report(&name("main"), report).await.unwrap();
    assert_eq!(reported, Reported::Applied(id));
    let message = rig.message(id).await;
    let states: Vec<State> = message
        .progress
        .timeline
        .iter()
        .map(|one| one.state)
        .collect();
    assert_eq!(
        states,
        [State::Queued, State::Sending, State::Sent, State::Delivered]
    );
    let told: Vec<String> = diary.entries();
    assert_eq!(
        told,
        [
            "accepted, replayed: false",
            "queued -> sending",
            "sending -> sent",
            "attempt 1: accepted after 0ns",
            "sent -> delivered",
            "reported delivered, parked: false",
        ]
    );
    assert_eq!(running.drain(SECOND).await, sms_core::Drained::Clean);
}

#[tokio::test(start_paused = true)]
async fn a_forged_callback_is_not_genuine() {
    let rig = Rig::new();
    let engine = rig.engine();
    let id = accept(&engine).await;
    let token = "0".repeat(32);
    let forged = format!("/callback/main/{}/{token}", id.reference());
    let genuine = engine.callback_is_genuine(&forged.parse().unwrap()).await;
    assert!(!genuine.unwrap());
}

/// A provider must not speak for another one, even if it learned the other's callback.
#[tokio::test(start_paused = true)]
async fn a_callback_that_names_a_provider_without_the_message_is_not_genuine() {
    let rig = Rig::new();
    let engine = rig.engine();
    let id = accept(&engine).await;
    let token = rig.message(id).await.request.callback;
    let path = |provider: &str| CallbackPath {
        provider: name(provider),
        id,
        token,
    };
    let genuine = async |provider| engine.callback_is_genuine(&path(provider)).await.unwrap();
    assert!(!genuine("main").await, "nobody was told of it yet");
    let _running = engine.start();
    rig.until(id, State::Sent).await;
    assert!(genuine("main").await);
    assert!(!genuine("other").await);
}
