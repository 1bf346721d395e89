//! `/callback/PROVIDER`.

use sms_core::State;

use crate::client::{get, post, raw, request};
use crate::world::{SECRET, TOKEN, World};

#[tokio::test]
async fn a_posted_report_is_read_in_the_providers_form_and_answered_in_its_words() {
    let mut world = World::new().await;
    let message = world.sent().await;
    let answer = post(world.address, "/callback/main", "own-1 delivered").await;
    assert_eq!((answer.status, answer.body.as_str()), (202, "ACK/Plain"));
    assert_eq!(world.message(message.id).await.state(), State::Delivered);
}

#[tokio::test]
async fn a_report_may_come_in_the_query() {
    let mut world = World::new().await;
    let message = world.sent().await;
    let answer = get(world.address, "/callback/main?own-1+failed").await;
    assert_eq!((answer.status, answer.body.as_str()), (202, "ACK/Plain"));
    assert_eq!(world.message(message.id).await.state(), State::Undelivered);
}

#[tokio::test]
async fn a_batch_is_durable_as_a_whole() {
    let mut world = World::new().await;
    let mut messages = Vec::new();
    let mut body = String::new();
    for number in 1..=300 {
        messages.push(world.sent().await);
        body.push_str(&format!("own-{number} delivered\n"));
    }
    assert_eq!(
        post(world.address, "/callback/main", &body).await.status,
        202
    );
    for message in messages {
        assert_eq!(world.message(message.id).await.state(), State::Delivered);
    }
}

#[tokio::test]
async fn a_request_without_a_report_is_answered_all_the_same() {
    let world = World::new().await;
    assert_eq!(post(world.address, "/callback/main", "").await.status, 202);
}

#[tokio::test]
async fn a_batch_with_one_malformed_report_is_422_and_keeps_none() {
    let mut world = World::new().await;
    let message = world.sent().await;
    let answer = post(world.address, "/callback/main", "own-1 delivered\nrubbish").await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("no status"), "{}", answer.body);
    assert_eq!(world.message(message.id).await.state(), State::Sent);
}

#[tokio::test]
async fn a_report_that_names_no_message_is_422_and_does_not_keep_others_from_being_taken() {
    let mut world = World::new().await;
    let message = world.sent().await;
    let alone = post(world.address, "/callback/main", "- delivered").await;
    assert_eq!(alone.status, 422);
    assert!(alone.body.contains("names no message"), "{}", alone.body);
    let body = "- delivered\nown-1 delivered";
    assert_eq!(
        post(world.address, "/callback/main", body).await.status,
        202
    );
    assert_eq!(world.message(message.id).await.state(), State::Delivered);
}

#[tokio::test]
async fn one_provider_does_not_know_the_ids_of_another() {
    let mut world = World::new().await;
    let message = world.sent().await;
    let answer = post(world.address, "/callback/other", "own-1 delivered").await;
    assert_eq!(answer.status, 202);
    assert_eq!(world.message(message.id).await.state(), State::Sent);
}

#[tokio::test]
async fn a_signature_covers_the_public_address_whatever_the_host_header_says() {
    let world = World::new().await;
    for (signature, status) in [("x-signature: right", 202), ("x-signature: wrong", 401)] {
        let path = "/callback/signed?x=1";
        let bytes = request("POST", path, &[signature], b"own-1 delivered");
        assert_eq!(
            raw(world.address, &bytes).await.status,
            status,
            "{signature}"
        );
    }
    let bytes = request("POST", "/callback/signed?x=2", &["x-signature: right"], b"");
    assert_eq!(raw(world.address, &bytes).await.status, 401);
}

#[tokio::test]
async fn a_callback_token_stands_for_the_source() {
    let world = World::with(|config| config.allow.clear()).await;
    for path in [
        format!("/callback/tokened/{TOKEN}"),
        format!("/callback/tokened/{TOKEN}/"),
        format!("/callback/tokened/{TOKEN}?x=1"),
    ] {
        assert_eq!(
            post(world.address, &path, "own-1 delivered").await.status,
            202,
            "{path}"
        );
    }
    let path = format!("/callback/tokened/{TOKEN}?own-1+delivered");
    assert_eq!(get(world.address, &path).await.status, 202);
}

#[tokio::test]
async fn a_wrong_callback_token_is_404_whatever_the_source() {
    let world = World::new().await;
    for path in [
        "/callback/tokened".to_owned(),
        "/callback/tokened/".to_owned(),
        "/callback/tokened/guess".to_owned(),
        format!("/callback/tokened/{}", &TOKEN[1..]),
        format!("/callback/tokened/{TOKEN}0"),
        format!("/callback/tokened/{TOKEN}/more"),
        format!("/callback/tokened//{TOKEN}"),
        format!("/callback/tokened?{TOKEN}"),
        format!("/callback/main/{TOKEN}"),
    ] {
        let answer = post(world.address, &path, "own-1 delivered").await;
        assert_eq!((answer.status, answer.body.as_str()), (404, ""), "{path}");
    }
}

#[tokio::test]
async fn a_secret_header_stands_for_the_source() {
    let world = World::with(|config| config.allow.clear()).await;
    let right = format!("x-secret: {SECRET}");
    for (headers, status) in [
        (&[right.as_str()][..], 202),
        (&[], 401),
        (&["x-secret: guess"], 401),
        (&["x-secret:"], 401),
    ] {
        let bytes = request("POST", "/callback/headed", headers, b"own-1 delivered");
        assert_eq!(
            raw(world.address, &bytes).await.status,
            status,
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    let world = World::new().await;
    for path in [
        "/",
        "/callbacks",
        "/callback/nobody",
        "/callback/a%20b",
        "/callback/main/x",
        "/callback//main",
        "/x/callback",
    ] {
        assert_eq!(
            post(world.address, path, "own-1 delivered").await.status,
            404,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_slash_at_the_end_does_no_harm() {
    let world = World::new().await;
    assert_eq!(post(world.address, "/callback/main/", "").await.status, 202);
    assert_eq!(post(world.address, "/callback/", "").await.status, 422);
}

#[tokio::test]
async fn only_get_and_post_are_allowed() {
    let world = World::new().await;
    for method in ["PUT", "DELETE", "HEAD", "OPTIONS", "BREW"] {
        let answer = raw(world.address, &request(method, "/callback/main", &[], b"")).await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("get, post"), "{method}");
    }
}
