//! Whose word is taken, end to end. The peer is always this machine.

use std::num::NonZeroUsize;
use std::time::Duration;

use sms_core::State;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{raw, request};
use crate::world::{SECRET, World, own_path};

async fn status(world: &World, path: &str, headers: &[&str]) -> u16 {
    let bytes = request("POST", path, headers, b"own-1 delivered");
    raw(world.address, &bytes).await.status
}

fn nets(texts: &[&str]) -> Vec<ipnet::IpNet> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[tokio::test]
async fn a_stranger_cannot_make_itself_known_by_a_header() {
    let mut world = World::with(|config| config.allow = nets(&["192.0.2.0/24"])).await;
    let message = world.sent().await;
    for headers in [
        &[][..],
        &["x-forwarded-for: 192.0.2.7"],
        &["forwarded: for=192.0.2.7"],
        &["x-real-ip: 192.0.2.7"],
    ] {
        for path in ["/callback", "/callback/main"] {
            assert_eq!(
                status(&world, path, headers).await,
                403,
                "{path} {headers:?}"
            );
        }
    }
    assert_eq!(world.message(message.id).await.state(), State::Sent);
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_address_it_appended_counts() {
    let world = World::with(|config| {
        config.allow = nets(&["192.0.2.0/24"]);
        config.trusted_proxies = nets(&["127.0.0.0/8"]);
    })
    .await;
    for (headers, expected) in [
        (&["x-forwarded-for: 192.0.2.7"][..], 202),
        (&["forwarded: for=192.0.2.7;proto=https"], 202),
        (&["x-forwarded-for: 203.0.113.9, 192.0.2.7"], 202),
        (&["x-forwarded-for: 192.0.2.7, 203.0.113.9"], 403),
        (&["x-forwarded-for: 192.0.2.7, 203.0.113.9, 127.0.0.1"], 403),
        (&["forwarded: for=192.0.2.7, for=203.0.113.9"], 403),
        (
            &["x-forwarded-for: 192.0.2.7", "x-forwarded-for: 192.0.2.7"],
            403,
        ),
        (
            &["x-forwarded-for: 192.0.2.7", "forwarded: for=192.0.2.7"],
            403,
        ),
        (&["x-forwarded-for: unknown"], 403),
        (&[], 403),
    ] {
        assert_eq!(
            status(&world, "/callback/main", headers).await,
            expected,
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn a_proxy_that_may_report_itself_does_not_lend_that_to_others() {
    let world = World::with(|config| config.trusted_proxies = config.allow.clone()).await;
    let header = "x-forwarded-for: 203.0.113.9";
    assert_eq!(status(&world, "/callback/main", &[header]).await, 403);
    assert_eq!(status(&world, "/callback/main", &[]).await, 202);
}

#[tokio::test]
async fn a_signature_or_a_token_stands_for_the_source() {
    let mut world = World::with(|config| config.allow = nets(&["192.0.2.0/24"])).await;
    let message = world.sent().await;
    let signed = "/callback/signed?x=1";
    assert_eq!(status(&world, signed, &["x-signature: right"]).await, 202);
    assert_eq!(status(&world, signed, &["x-signature: wrong"]).await, 401);
    assert_eq!(status(&world, &own_path(&message), &[]).await, 202);
}

#[tokio::test]
async fn the_dangerous_key_lets_everybody_report() {
    let world = World::with(|config| {
        config.allow.clear();
        config.dangerously_accept_any_source = true;
    })
    .await;
    assert_eq!(status(&world, "/callback/main", &[]).await, 202);
}

#[tokio::test]
async fn a_stranger_is_turned_away_before_its_body_is_read() {
    let mut world = World::with(|config| {
        config.allow.clear();
        config.body_timeout = Duration::from_secs(60);
    })
    .await;
    let message = world.sent().await;
    let own = own_path(&message);
    for (path, expected) in [
        ("/callback", 403),
        ("/callback/main", 403),
        ("/callback/headed", 401),
        ("/callback/tokened", 404),
        ("/callback/tokened/guess", 404),
        (&own[..own.len() - 1], 404),
        ("/elsewhere", 404),
    ] {
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n");
        assert_eq!(
            raw(world.address, head.as_bytes()).await.status,
            expected,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_stranger_takes_no_place_from_others() {
    let world = World::with(|config| {
        config.allow = nets(&["192.0.2.0/24"]);
        config.max_requests = NonZeroUsize::MIN;
    })
    .await;
    let right = format!("x-secret: {SECRET}\r\ncontent-length: 15\r\nexpect: 100-continue");
    let mut busy = TcpStream::connect(world.address).await.unwrap();
    let head = format!("POST /callback/headed HTTP/1.1\r\nhost: x\r\n{right}\r\n\r\n");
    busy.write_all(head.as_bytes()).await.unwrap();
    let mut asked = [0; 25];
    busy.read_exact(&mut asked).await.unwrap();

    // The only place is taken, and a stranger is not even asked to come again.
    assert_eq!(status(&world, "/callback/headed", &[]).await, 401);
    assert_eq!(status(&world, "/callback/main", &[]).await, 403);
    let right = format!("x-secret: {SECRET}");
    assert_eq!(status(&world, "/callback/headed", &[&right]).await, 503);
}

#[tokio::test]
async fn a_stranger_has_one_request_on_each_connection() {
    let world = World::with(|config| config.allow.clear()).await;
    for (path, expected) in [
        ("/callback", 403),
        ("/callback/headed", 401),
        ("/callback/signed", 401),
        ("/callback/tokened/guess", 404),
        ("/elsewhere", 404),
    ] {
        let one = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n");
        let answer = raw(world.address, (one.clone() + &one).as_bytes()).await;
        assert_eq!(answer.status, expected, "{path}");
        assert_eq!(answer.header("connection"), Some("close"), "{path}");
        assert!(!answer.body.contains("HTTP/1.1"), "{path}: {}", answer.body);
    }
}
