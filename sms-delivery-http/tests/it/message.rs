//! `/callback/PROVIDER/REFERENCE/TOKEN`, the callback of one message.

use sms_core::State;

use crate::client::{get, post, raw, request};
use crate::world::{SECRET, World, own_path};

/// No source may report on its word alone.
async fn world() -> World {
    World::with(|config| config.allow.clear()).await
}

#[tokio::test]
async fn the_token_stands_for_the_source() {
    let mut world = world().await;
    let message = world.sent().await;
    assert_eq!(
        post(world.address, "/callback/main", "own-1 delivered")
            .await
            .status,
        403
    );
    let answer = post(world.address, &own_path(&message), "own-1 delivered").await;
    assert_eq!((answer.status, answer.body.as_str()), (202, "ACK/Plain"));
    assert_eq!(world.message(message.id).await.state(), State::Delivered);
}

#[tokio::test]
async fn a_report_may_come_in_the_query() {
    let mut world = world().await;
    let message = world.sent().await;
    let path = own_path(&message) + "?own-1+delivered";
    assert_eq!(get(world.address, &path).await.status, 202);
    assert_eq!(world.message(message.id).await.state(), State::Delivered);
}

#[tokio::test]
async fn a_report_need_not_name_the_message_whose_callback_it_came_to() {
    let mut world = world().await;
    let message = world.sent().await;
    let answer = post(world.address, &own_path(&message), "- delivered").await;
    assert_eq!(answer.status, 202);
    let message = world.message(message.id).await;
    assert_eq!(message.state(), State::Delivered);
    assert_eq!(message.progress.reports[0].provider_id, None);
}

#[tokio::test]
async fn a_provider_with_a_secret_shows_it_beside_the_token() {
    let mut world = world().await;
    let message = world.submit_to("headed").await;
    world.reaches(message.id, State::Sent).await;
    let path = own_path(&message);
    let right = format!("x-secret: {SECRET}");
    for (headers, status) in [(&[][..], 401), (&[right.as_str()], 202)] {
        let bytes = request("POST", &path, headers, b"- delivered");
        assert_eq!(raw(world.address, &bytes).await.status, status);
    }
}

#[tokio::test]
async fn a_wrong_token_is_404_and_nothing_is_stored() {
    let mut world = world().await;
    let message = world.sent().await;
    let other = world.sent().await;
    let path = own_path(&message);
    let (front, token) = path.rsplit_once('/').unwrap();
    let flipped = if token.starts_with('0') { "1" } else { "0" };
    let others = own_path(&other);
    let (_, others) = others.rsplit_once('/').unwrap();
    for wrong in [
        format!("{flipped}{}", &token[1..]),
        "0".repeat(32),
        others.to_owned(),
        token[..31].to_owned(),
        format!("{token}0"),
        String::new(),
    ] {
        let path = format!("{front}/{wrong}");
        assert_eq!(
            post(world.address, &path, "own-1 delivered").await.status,
            404,
            "{wrong}"
        );
    }
    let message = world.message(message.id).await;
    assert_eq!(message.state(), State::Sent);
    assert!(message.progress.reports.is_empty());
}

#[tokio::test]
async fn a_token_speaks_for_its_own_message_whatever_the_body_says() {
    let mut world = world().await;
    let own = world.sent().await;
    let foreign = world.sent().await;
    for named in [
        foreign.reference.to_string(),
        "own-2".into(),
        "nobody".into(),
    ] {
        let body = format!("{named} buffered");
        assert_eq!(
            post(world.address, &own_path(&own), &body).await.status,
            202
        );
        assert!(
            world.message(foreign.id).await.progress.reports.is_empty(),
            "{named}"
        );
    }
    assert!(!world.message(own.id).await.progress.reports.is_empty());
}

#[tokio::test]
async fn a_foreign_name_in_the_body_does_not_become_a_name_of_the_message() {
    let mut world = World::new().await;
    world.gate.forget_permits(1000);
    let own = world.submit().await;
    let foreign = world.submit().await;
    let body = format!("{} buffered", foreign.reference);
    assert_eq!(
        post(world.address, &own_path(&own), &body).await.status,
        202
    );
    let attempt = &world.message(own.id).await.progress.attempts[0];
    assert_eq!(attempt.provider_id, None);
}

#[tokio::test]
async fn an_unknown_provider_or_message_is_404() {
    let mut world = world().await;
    let message = world.sent().await;
    let path = own_path(&message);
    for path in [
        path.replace("/main/", "/nobody/"),
        path.replace(message.reference.as_str(), "0123456789ABCDEF"),
        format!("{path}/more"),
    ] {
        assert_eq!(
            post(world.address, &path, "own-1 delivered").await.status,
            404,
            "{path}"
        );
    }
    assert_eq!(world.message(message.id).await.state(), State::Sent);
}
