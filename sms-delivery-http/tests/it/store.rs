//! Nothing is said to be taken before it is durable.

use std::time::Duration;

use sms_core::State;
use sms_core::testing::Fault;

use crate::client::post;
use crate::world::{World, own_path};

const LEGACY: &str = r#"{"msg_id":"own-1","receipted_message_id":1,"status":"delivered"}"#;

#[tokio::test]
async fn while_the_store_is_down_providers_are_asked_to_come_again() {
    let mut world = World::new().await;
    let message = world.sent().await;
    let reports = [
        ("/callback".to_owned(), LEGACY),
        ("/callback/main".to_owned(), "own-1 delivered"),
        ("/callback/main".to_owned(), "unknown delivered"),
        (own_path(&message), "own-1 delivered"),
    ];
    world.store.set(Fault::Refuse);
    for (path, body) in &reports {
        let answer = post(world.address, path, body).await;
        assert_eq!(answer.status, 503, "{path}");
        assert_eq!(answer.header("retry-after"), Some("5"), "{path}");
    }
    world.store.set(Fault::None);
    assert_eq!(world.message(message.id).await.state(), State::Sent);
    for (path, body) in &reports {
        let answer = post(world.address, path, body).await;
        assert!((200..300).contains(&answer.status), "{path}");
    }
    assert_eq!(world.message(message.id).await.state(), State::Delivered);
}

#[tokio::test]
async fn a_report_whose_storing_was_not_confirmed_may_come_again() {
    let mut world = World::new().await;
    let message = world.sent().await;
    world.store.set(Fault::LoseAnswer);
    assert_eq!(
        post(world.address, "/callback/main", "own-1 delivered")
            .await
            .status,
        503
    );
    world.store.set(Fault::None);
    assert_eq!(
        post(world.address, "/callback/main", "own-1 delivered")
            .await
            .status,
        202
    );
    let message = world.message(message.id).await;
    assert_eq!(message.state(), State::Delivered);
    assert_eq!(message.progress.reports.len(), 1);
}

#[tokio::test]
async fn a_store_that_never_answers_is_down() {
    let short = Duration::from_millis(50);
    let mut world = World::with(|config| config.store_timeout = short).await;
    let message = world.sent().await;
    world.store.set(Fault::HangBefore);
    for path in ["/callback/main".to_owned(), own_path(&message)] {
        let answer = post(world.address, &path, "own-1 delivered").await;
        assert_eq!(answer.status, 503, "{path}");
    }
}
