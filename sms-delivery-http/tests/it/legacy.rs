//! `POST /callback`, as the older service took it.

use sms_core::{ReportStatus, State};

use crate::client::{get, post, raw, request};
use crate::world::World;

fn report(msg_id: &str, status: &str) -> String {
    format!(r#"{{"msg_id":"{msg_id}","receipted_message_id":"917615ac","status":"{status}"}}"#)
}

#[tokio::test]
async fn every_recorded_report_is_understood() {
    let mut world = World::new().await;
    for (body, status) in [
        (
            include_str!("../fixtures/delivered_ancestor.json"),
            ReportStatus::Delivered,
        ),
        (
            include_str!("../fixtures/delivered_numeric_receipted_id.json"),
            ReportStatus::Delivered,
        ),
        (
            include_str!("../fixtures/delivered_observed.json"),
            ReportStatus::Delivered,
        ),
        (
            include_str!("../fixtures/failed_deleted.json"),
            ReportStatus::Undelivered,
        ),
        (
            include_str!("../fixtures/failed_expired.json"),
            ReportStatus::Expired,
        ),
        (
            include_str!("../fixtures/failed_rejectd.json"),
            ReportStatus::Rejected,
        ),
        (
            include_str!("../fixtures/failed_undeliv.json"),
            ReportStatus::Undelivered,
        ),
        (
            include_str!("../fixtures/failed_unknown.json"),
            ReportStatus::Unknown,
        ),
    ] {
        let message = world.sent().await;
        let body = body
            .replace("0123456789ABCDEF", message.reference.as_str())
            .replace("sl8rvlvdlo345hvf", message.reference.as_str());
        let answer = post(world.address, "/callback", &body).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{body}");
        let reports = world.message(message.id).await.progress.reports;
        assert_eq!(reports.len(), 1, "{body}");
        assert_eq!(reports[0].status, status, "{body}");
        assert_eq!(reports[0].provider.as_str(), "main");
    }
}

#[tokio::test]
async fn a_message_is_named_by_its_uuid_or_its_reference() {
    let mut world = World::new().await;
    let by_id = world.sent().await;
    let by_reference = world.sent().await;
    for (name, id) in [
        (by_id.id.to_string(), by_id.id),
        (by_reference.reference.to_string(), by_reference.id),
    ] {
        let answer = post(world.address, "/callback", &report(&name, "delivered")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(world.message(id).await.state(), State::Delivered);
    }
}

#[tokio::test]
async fn the_receipt_id_may_be_a_number() {
    let mut world = World::new().await;
    let message = world.sent().await;
    let body = report(message.reference.as_str(), "delivered").replace("\"917615ac\"", "42");
    assert_eq!(post(world.address, "/callback", &body).await.status, 200);
    let reports = world.message(message.id).await.progress.reports;
    assert_eq!(reports[0].receipt_id.as_deref(), Some("42"));
}

#[tokio::test]
async fn the_content_type_does_not_matter() {
    let mut world = World::new().await;
    for header in [
        &[][..],
        &["content-type: application/json"],
        &["content-type: application/x-www-form-urlencoded"],
        &["content-type: nonsense"],
    ] {
        let message = world.sent().await;
        let body = report(message.reference.as_str(), "delivered");
        let bytes = request("POST", "/callback", header, body.as_bytes());
        assert_eq!(raw(world.address, &bytes).await.status, 200, "{header:?}");
        assert_eq!(world.message(message.id).await.state(), State::Delivered);
    }
}

#[tokio::test]
async fn each_report_is_that_of_the_provider_which_took_the_message() {
    let mut world = World::new().await;
    let message = world.submit_to("other").await;
    world.reaches(message.id, State::Sent).await;
    let body = report(message.reference.as_str(), "delivered");
    post(world.address, "/callback", &body).await;
    let reports = world.message(message.id).await.progress.reports;
    assert_eq!(reports[0].provider.as_str(), "other");
}

#[tokio::test]
async fn the_configuration_may_say_whose_reports_they_are() {
    let mut world = World::with(|config| config.legacy_provider = "main".parse().ok()).await;
    let message = world.sent().await;
    let body = report("own-1", "delivered");
    post(world.address, "/callback", &body).await;
    let reports = world.message(message.id).await.progress.reports;
    assert_eq!(reports[0].provider.as_str(), "main");
}

#[tokio::test]
async fn a_malformed_body_is_422_and_changes_nothing() {
    let mut world = World::new().await;
    let message = world.sent().await;
    let reference = message.reference.as_str();
    for body in [
        String::new(),
        "{".into(),
        "[]".into(),
        "{}".into(),
        report(reference, "read"),
        report("", "delivered"),
        format!(r#"{{"msg_id":"{reference}","status":"delivered"}}"#),
        format!(r#"{{"msg_id":"in01","from":"79991234567","to":"1234","message":"{reference}"}}"#),
        "[".repeat(100_000),
    ] {
        let answer = post(world.address, "/callback", &body).await;
        assert_eq!(answer.status, 422, "{body}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        assert!(answer.body.contains("\"detail\""), "{}", answer.body);
        assert!(!answer.body.contains("7999"), "{}", answer.body);
    }
    assert_eq!(world.message(message.id).await.state(), State::Sent);
}

#[tokio::test]
async fn a_report_of_nobody_we_know_is_taken_and_harms_nobody() {
    let mut world = World::new().await;
    let message = world.sent().await;
    for name in [
        "sl8rvlvdlo345hvf",
        "018f4e9a-7c1b-7abc-8def-0123456789ab",
        "foreign",
        "1",
    ] {
        let answer = post(world.address, "/callback", &report(name, "delivered")).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{name}");
    }
    assert_eq!(world.message(message.id).await.state(), State::Sent);
}

#[tokio::test]
async fn only_post_is_allowed() {
    let world = World::new().await;
    let answer = get(world.address, "/callback").await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("allow"), Some("post"));
}
