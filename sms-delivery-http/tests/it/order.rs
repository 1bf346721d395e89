//! Reports that come early, twice, out of order, or before anybody knows their message.

use sms_core::State;

use crate::client::post;
use crate::world::{World, own_path};

#[tokio::test]
async fn a_report_before_the_answer_of_the_submit_call_is_joined_at_once() {
    let mut world = World::new().await;
    world.gate.forget_permits(1000);
    let by_reference = world.submit().await;
    let by_token = world.submit().await;
    let body = format!("{} delivered", by_reference.reference);
    assert_eq!(
        post(world.address, "/callback/main", &body).await.status,
        202
    );
    assert_eq!(
        post(world.address, &own_path(&by_token), "x delivered")
            .await
            .status,
        202
    );
    world.reaches(by_reference.id, State::Delivered).await;
    world.reaches(by_token.id, State::Delivered).await;
}

#[tokio::test]
async fn a_report_by_an_id_that_the_answer_will_tell_waits_for_it() {
    let mut world = World::new().await;
    world.gate.forget_permits(1000);
    let message = world.submit().await;
    assert_eq!(
        post(world.address, "/callback/main", "own-1 delivered")
            .await
            .status,
        202
    );
    assert_eq!(world.message(message.id).await.state(), State::Sending);
    world.gate.add_permits(1);
    world.reaches(message.id, State::Delivered).await;
}

#[tokio::test]
async fn the_older_callback_parks_too() {
    let mut world = World::new().await;
    world.gate.forget_permits(1000);
    let message = world.submit().await;
    let body = r#"{"msg_id":"own-1","receipted_message_id":1,"status":"delivered"}"#;
    assert_eq!(post(world.address, "/callback", body).await.status, 200);
    world.gate.add_permits(1);
    world.reaches(message.id, State::Delivered).await;
}

#[tokio::test]
async fn an_id_of_the_providers_own_may_look_like_one_of_ours() {
    let legacy = r#"{"msg_id":"own-000000000001","receipted_message_id":1,"status":"delivered"}"#;
    for (path, body) in [
        ("/callback", legacy),
        ("/callback/other", "own-000000000001 delivered"),
    ] {
        let mut world = World::new().await;
        world.gate.forget_permits(1000);
        let early = world.submit_to("other").await;
        let answer = post(world.address, path, body).await;
        assert!((200..300).contains(&answer.status), "{path}");
        world.gate.add_permits(1);
        world.reaches(early.id, State::Delivered).await;
    }
}

#[tokio::test]
async fn a_report_that_comes_twice_counts_once() {
    let mut world = World::new().await;
    let message = world.sent().await;
    for _ in 0..3 {
        let answer = post(world.address, "/callback/main", "own-1 delivered").await;
        assert_eq!((answer.status, answer.body.as_str()), (202, "ACK/Plain"));
    }
    let message = world.message(message.id).await;
    assert_eq!(message.progress.reports.len(), 1);
}

#[tokio::test]
async fn the_order_of_reports_does_not_matter() {
    let mut world = World::new().await;
    let orders = [["buffered", "delivered"], ["delivered", "buffered"]];
    for (at, order) in orders.iter().enumerate() {
        let message = world.sent().await;
        for status in order {
            let body = format!("own-{} {status}", at + 1);
            assert_eq!(
                post(world.address, "/callback/main", &body).await.status,
                202
            );
        }
        let message = world.message(message.id).await;
        assert_eq!(message.state(), State::Delivered, "{order:?}");
    }
}

#[tokio::test]
async fn many_at_once_all_count() {
    let mut world = World::new().await;
    let message = world.sent().await;
    let statuses = ["delivered", "buffered", "failed", "delivered"];
    let posts = (0..32).map(|at| {
        let (address, status) = (world.address, statuses[at % statuses.len()]);
        tokio::spawn(async move {
            let body = format!("own-1 {status}");
            post(address, "/callback/main", &body).await.status
        })
    });
    for posted in posts.collect::<Vec<_>>() {
        assert_eq!(posted.await.unwrap(), 202);
    }
    let message = world.message(message.id).await;
    assert_eq!(message.progress.reports.len(), 3);
    assert!(message.state().is_final());
}
