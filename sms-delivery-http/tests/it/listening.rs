//! Starting and stopping.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use sms_core::testing::ScriptedProvider;
use sms_core::{Engine, MemoryQueue, MemoryStore, State};
use sms_delivery_http::{BindError, DeliveryConfig, DeliveryServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{World, config, decoders};

fn engine() -> Engine {
    Engine::builder(Arc::new(MemoryStore::new()), Arc::new(MemoryQueue::new()))
        .provider(ScriptedProvider::new("main").unwrap())
        .build()
        .unwrap()
}

async fn refusal(change: impl FnOnce(&mut DeliveryConfig)) -> Option<BindError> {
    let mut config = config();
    change(&mut config);
    DeliveryServer::bind(config, engine(), decoders())
        .await
        .err()
}

#[tokio::test]
async fn a_port_in_use_is_named_with_its_key() {
    let taken = World::new().await.address;
    let error = refusal(|config| config.listen = taken)
        .await
        .unwrap()
        .to_string();
    assert!(error.contains(&taken.to_string()), "{error}");
    assert!(error.contains("delivery.listen"), "{error}");
}

#[tokio::test]
async fn it_does_not_listen_to_others_without_telling_who_may_report() {
    let lists: [(&[&str], bool); 5] = [
        (&[], false),
        (&["0.0.0.0/0"], false),
        (&["192.0.2.0/24", "::/0"], false),
        (&["0.0.0.0/1", "128.0.0.0/1"], false),
        (&["192.0.2.0/24"], true),
    ];
    for (listen, dangerous) in [
        ("0.0.0.0:0", false),
        ("0.0.0.0:0", true),
        ("127.0.0.1:0", false),
    ] {
        for (allow, fine) in lists {
            let error = refusal(|config| {
                config.listen = listen.parse().unwrap();
                config.allow = allow.iter().map(|net| net.parse().unwrap()).collect();
                config.dangerously_accept_any_source = dangerous;
            })
            .await;
            let fine = fine || dangerous || listen.starts_with("127.");
            assert_eq!(error.is_none(), fine, "{listen} {allow:?} {dangerous}");
            if let Some(error) = error {
                let error = error.to_string();
                assert!(
                    error.contains("delivery.dangerously_accept_any_source"),
                    "{error}"
                );
            }
        }
    }
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_by_the_name_of_its_key() {
    for url in [
        "",
        "sms.example.com",
        "ftp://sms.example.com",
        "https://",
        "https:///x",
        "https://x?y",
    ] {
        let error = refusal(|config| config.public_url = url.into()).await;
        assert!(matches!(error, Some(BindError::PublicUrl)), "{url}");
    }
    for time in [Duration::ZERO, Duration::from_secs(3_601), Duration::MAX] {
        for (key, set) in timeouts() {
            let error = refusal(|config| *set(config) = time).await;
            assert!(error.unwrap().to_string().contains(key), "{key} {time:?}");
        }
    }
    for most in [1_000_001, usize::MAX] {
        let most = NonZeroUsize::new(most).unwrap();
        let error = refusal(|config| config.max_requests = most).await;
        assert!(error.unwrap().to_string().contains("delivery.max_requests"));
        let error = refusal(|config| config.max_connections = most).await;
        let error = error.unwrap().to_string();
        assert!(error.contains("delivery.max_connections"), "{error}");
    }
    let nobody = DeliveryServer::bind(config(), engine(), HashMap::new()).await;
    assert!(matches!(nobody, Err(BindError::NoProvider)));
}

type Timeout = fn(&mut DeliveryConfig) -> &mut Duration;

fn timeouts() -> [(&'static str, Timeout); 4] {
    [
        ("delivery.header_timeout", |it| &mut it.header_timeout),
        ("delivery.body_timeout", |it| &mut it.body_timeout),
        ("delivery.store_timeout", |it| &mut it.store_timeout),
        ("delivery.write_timeout", |it| &mut it.write_timeout),
    ]
}

#[tokio::test]
async fn behind_a_proxy_on_this_machine_it_must_be_named() {
    let local = &["127.0.0.0/8", "::1/128"][..];
    for (public_url, allow, proxies, fine) in [
        ("https://sms.example.com", local, &[][..], false),
        ("http://sms.example.com:8000/x", local, &[], false),
        ("http://192.0.2.1", local, &[], false),
        ("https://user@sms.example.com", local, &[], false),
        ("https://sms.example.com", &["0.0.0.0/0"], &[], false),
        ("https://sms.example.com", local, &["192.0.2.1"], false),
        ("https://sms.example.com", local, &["127.0.0.1"], true),
        ("https://sms.example.com", &["192.0.2.0/24"], &[], true),
        ("https://sms.example.com", &[], &[], true),
        ("http://127.0.0.1:8000", local, &[], true),
        ("http://[::1]:8000", local, &[], true),
        ("http://LocalHost:8000", local, &[], true),
        ("http://sms.localhost", local, &[], true),
    ] {
        let net = |text: &&str| match text.parse() {
            Ok(net) => net,
            Err(_) => ipnet::IpNet::from(text.parse::<IpAddr>().unwrap()),
        };
        for dangerous in [false, true] {
            let error = refusal(|config| {
                config.public_url = public_url.into();
                config.allow = allow.iter().map(net).collect();
                config.trusted_proxies = proxies.iter().map(net).collect();
                config.dangerously_accept_any_source = dangerous;
            })
            .await;
            let what = format!("{public_url} {allow:?} {proxies:?} {dangerous}");
            assert_eq!(error.is_none(), fine || dangerous, "{what}");
            if let Some(error) = error {
                assert!(matches!(error, BindError::BehindProxy { .. }), "{what}");
                assert!(error.to_string().contains("delivery.trusted_proxies"));
            }
        }
    }
}

#[tokio::test]
async fn not_everybody_is_a_proxy_of_ours() {
    for (proxies, fine) in [
        (&["0.0.0.0/0"][..], false),
        (&["10.0.0.0/8", "::/0"], false),
        (&["0.0.0.0/1", "128.0.0.0/1"], false),
        (&["::ffff:0.0.0.0/96"], false),
        (&["10.0.0.0/8", "fd00::/8"], true),
    ] {
        let error = refusal(|config| {
            config.trusted_proxies = proxies.iter().map(|net| net.parse().unwrap()).collect();
        })
        .await;
        assert_eq!(error.is_none(), fine, "{proxies:?}");
        if let Some(error) = error {
            assert!(matches!(error, BindError::TrustsEveryone), "{error}");
        }
    }
}

#[test]
fn the_configuration_is_read_as_people_write_it() {
    let text = r#"{
        "listen": "127.0.0.1:8080", "allow": ["192.0.2.0/24", "2001:db8::1"],
        "trusted_proxies": ["10.0.0.1"], "body_timeout": "3s", "max_requests": 7
    }"#;
    let config: DeliveryConfig = serde_json::from_str(text).unwrap();
    assert_eq!(config.allow[1].to_string(), "2001:db8::1/128");
    assert_eq!(config.body_timeout, Duration::from_secs(3));
    assert_eq!(config.max_requests.get(), 7);
    assert_eq!(config.max_body, DeliveryConfig::default().max_body);
    let shown = serde_json::to_string(&config).unwrap();
    assert_eq!(
        serde_json::from_str::<DeliveryConfig>(&shown).unwrap(),
        config
    );
    for (wrong, named) in [
        (r#"{"alow": []}"#, "alow"),
        (r#"{"allow": ["192.0.2.0/33"]}"#, "192.0.2.0/33"),
        (r#"{"max_connections": 0}"#, "nonzero"),
    ] {
        let error = serde_json::from_str::<DeliveryConfig>(wrong)
            .unwrap_err()
            .to_string();
        assert!(error.contains(named), "{error}");
    }
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let mut world = World::new().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    for number in 1..=3 {
        let message = world.sent().await;
        let body = format!("own-{number} delivered");
        let length = body.len();
        let head =
            format!("POST /callback/main HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all((head + &body).as_bytes()).await.unwrap();
        let mut answer = String::new();
        while !answer.ends_with("ACK/Plain") {
            answer.push(char::from(stream.read_u8().await.unwrap()));
        }
        assert_eq!(world.message(message.id).await.state(), State::Delivered);
    }
}

#[tokio::test]
async fn at_the_end_what_has_begun_is_finished() {
    let mut world = World::new().await;
    let message = world.sent().await;
    let _idle = TcpStream::connect(world.address).await.unwrap();
    let mut busy = TcpStream::connect(world.address).await.unwrap();
    let head = "POST /callback/main HTTP/1.1\r\nhost: x\r\ncontent-length: 15\r\nexpect: 100-continue\r\n\r\n";
    busy.write_all(head.as_bytes()).await.unwrap();
    let mut asked = [0; 25];
    busy.read_exact(&mut asked).await.unwrap();

    world.stop();
    // Once nobody listens any more, the stop has been noticed.
    while TcpStream::connect(world.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
        assert!(!world.has_stopped(), "a request has begun");
    }
    busy.write_all(b"own-1 delivered").await.unwrap();
    let mut answer = String::new();
    busy.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    assert_eq!(world.message(message.id).await.state(), State::Delivered);
    world.stopped().await;
}
