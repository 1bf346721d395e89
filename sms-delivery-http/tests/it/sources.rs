//! Whose word is taken, end to end. The peer is always this machine.

use sms_core::State;

use crate::client::{raw, request};
use crate::world::{World, own_path};

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
    let world = World::with(|config| config.allow.clear()).await;
    let bytes = b"POST /callback HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n";
    assert_eq!(raw(world.address, bytes).await.status, 403);
}
