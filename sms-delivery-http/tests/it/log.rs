//! What the server says in its log.

use std::io;
use std::sync::{Arc, Mutex};

use sms_core::testing::Fault;
use sms_delivery_http::DeliveryConfig;
use tracing::Level;

use crate::client::{post, raw, request};
use crate::world::{SECRET, TOKEN, World, own_path};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Collects what is said on this thread, on which the whole test runs.
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(Level::TRACE)
            .with_writer(move || log.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

const NUMBER: &str = "79991234567";

#[tokio::test]
async fn numbers_texts_and_tokens_are_not_logged() {
    let log = Log::default();
    let _listening = log.listen();
    let mut world = World::new().await;
    let message = world.sent().await;
    let own = own_path(&message);
    let legacy = format!(
        r#"{{"msg_id":"own-1","receipted_message_id":"1","status":"delivered","short_message":"text:secret {NUMBER}"}}"#
    );
    let reference = message.reference;
    for (path, body) in [
        ("/callback", legacy.as_str()),
        ("/callback", NUMBER),
        ("/callback/main", NUMBER),
        (&own, NUMBER),
        (&own, "x buffered"),
        (&own[..own.len() - 1], "x buffered"),
        ("/callback/main", &format!("{reference} delivered")),
        (&format!("/callback/tokened/{TOKEN}"), "x buffered"),
        (&format!("/callback/tokened/{TOKEN}"), "#\nx buffered"),
        (&format!("/callback/tokened/{TOKEN}"), NUMBER),
        (&format!("/callback/tokened/{TOKEN}0"), "x buffered"),
        (&format!("/callback/main/{TOKEN}"), "x buffered"),
        (&format!("/callback/{TOKEN}/{TOKEN}"), "x buffered"),
    ] {
        post(world.address, path, body).await;
    }
    let secret = format!("x-secret: {SECRET}");
    let path = "/callback/headed";
    raw(world.address, &request("POST", path, &[&secret], b"x")).await;
    let text = log.text();
    let (_, token) = own.rsplit_once('/').unwrap();
    for personal in [
        NUMBER,
        "9991234567",
        "secret",
        "hello",
        &token[..31],
        TOKEN,
        SECRET,
    ] {
        assert!(!text.contains(personal), "{personal} in {text}");
    }
    assert!(text.contains(&message.id.to_string()), "{text}");
}

#[tokio::test]
async fn a_source_that_is_refused_is_named_once() {
    let log = Log::default();
    let _listening = log.listen();
    let world = World::with(|config| config.allow.clear()).await;
    for _ in 0..50 {
        post(world.address, "/callback", "{}").await;
    }
    let text = log.text();
    assert_eq!(text.matches("report refused").count(), 1, "{text}");
    assert!(text.contains("source=127.0.0.1"), "{text}");
}

#[tokio::test]
async fn a_store_that_is_down_is_an_error_said_once() {
    let log = Log::default();
    let _listening = log.listen();
    let world = World::new().await;
    world.store.set(Fault::Refuse);
    for _ in 0..50 {
        post(world.address, "/callback/main", "own-1 delivered").await;
    }
    let text = log.text();
    assert_eq!(
        text.matches("reports cannot be stored").count(),
        1,
        "{text}"
    );
}

#[tokio::test]
async fn reports_of_a_list_that_are_not_taken_are_told_of_once() {
    let log = Log::default();
    let _listening = log.listen();
    let world = World::new().await;
    for _ in 0..50 {
        let body = "#\n- delivered\nown-1 buffered";
        let answer = post(world.address, "/callback/main", body).await;
        assert_eq!(answer.status, 202);
    }
    let text = log.text();
    assert_eq!(
        text.matches("reports of a list skipped").count(),
        1,
        "{text}"
    );
    assert!(text.contains("skipped=2"), "{text}");
    assert!(text.contains("provider=main"), "{text}");
}

#[tokio::test]
async fn a_report_without_a_name_is_not_skipped_where_its_callback_names_it() {
    let log = Log::default();
    let _listening = log.listen();
    let mut world = World::new().await;
    let message = world.sent().await;
    post(world.address, &own_path(&message), "- delivered").await;
    let text = log.text();
    assert!(text.contains("report applied"), "{text}");
    assert!(!text.contains("skipped"), "{text}");
}

#[tokio::test]
async fn a_proxy_that_may_be_on_this_machine_is_warned_of() {
    let loopback = DeliveryConfig::default().allow;
    for (listen, public_url, proxies, warned) in [
        ("0.0.0.0:0", "https://sms.example.com", Vec::new(), true),
        ("[::]:0", "https://sms.example.com", Vec::new(), true),
        ("0.0.0.0:0", "http://delivery:8000", Vec::new(), false),
        ("0.0.0.0:0", "https://sms.example.com", loopback, false),
    ] {
        let log = Log::default();
        let _listening = log.listen();
        let _world = World::with(|config| {
            config.listen = listen.parse().unwrap();
            config.public_url = public_url.into();
            config.trusted_proxies = proxies;
        })
        .await;
        let text = log.text();
        let warning = "delivery.allow holds loopback";
        assert_eq!(text.contains(warning), warned, "{listen} {public_url}");
    }
}

#[tokio::test]
async fn what_is_not_readable_is_named_by_its_provider_once() {
    let log = Log::default();
    let _listening = log.listen();
    let world = World::new().await;
    for _ in 0..50 {
        post(world.address, "/callback/main", "rubbish").await;
    }
    let text = log.text();
    assert_eq!(text.matches("report not readable").count(), 1, "{text}");
    assert!(text.contains("provider=\"main\""), "{text}");
}
