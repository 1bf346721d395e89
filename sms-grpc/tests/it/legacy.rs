//! What the older service's clients are told over the life of a message.

use sms_core::testing::Step;
use sms_core::{Answer, Outcome, ReportStatus, State, Timestamp};
use sms_grpc::proto::legacy::{DeliveryStatus, MessageId, MessageStatus, SmsMessage};
use tonic::Code;

use crate::server::{Server, blamed, details};

fn answer(outcome: Outcome, code: Option<&str>, words: Option<&str>) -> Step {
    Step::Say(Answer {
        outcome,
        code: code.map(Into::into),
        description: words.map(Into::into),
        node: Some([10, 1, 2, 3].into()),
    })
}

fn accepted() -> Outcome {
    Outcome::Accepted {
        provider_id: "p-1".parse().ok(),
    }
}

async fn send(server: &Server) -> MessageId {
    let request = SmsMessage {
        mobile_number: "89991234567".into(),
        message: "Hello".into(),
    };
    let reply = server.legacy().await.send_message(request).await;
    reply.unwrap().into_inner()
}

async fn status(server: &Server, id: &MessageId) -> MessageStatus {
    let reply = server.legacy().await.get_message_status(id.clone()).await;
    reply.unwrap().into_inner()
}

async fn delivery(server: &Server, id: &MessageId) -> DeliveryStatus {
    let reply = server.legacy().await.get_delivery_status(id.clone()).await;
    reply.unwrap().into_inner()
}

/// The status once the message has come to the state after these steps of the provider.
async fn status_after(steps: impl IntoIterator<Item = Step>, state: State) -> MessageStatus {
    let server = Server::working(steps);
    let id = send(&server).await;
    server.reaches(id.uuid.parse().unwrap(), state).await;
    status(&server, &id).await
}

#[tokio::test]
async fn before_any_answer_nothing_is_known() {
    let server = Server::start();
    let id = send(&server).await;
    let status = status(&server, &id).await;
    assert_eq!((status.code, status.ipaddress.as_str()), (-1, "0.0.0.0"));
    assert!(Timestamp::parse_rfc3339(&status.response_datetime).is_ok());
    let delivery = delivery(&server, &id).await;
    assert_eq!(delivery.status, "no_report_yet");
    assert_eq!(delivery.message_id, id.uuid);
}

#[tokio::test]
async fn a_taken_message_has_code_0_and_the_words_and_node_of_the_provider() {
    let steps = [answer(accepted(), Some("100"), Some("queued for you"))];
    let status = status_after(steps, State::Sent).await;
    assert_eq!(status.code, 0);
    assert_eq!(status.description, "queued for you");
    assert_eq!(status.ipaddress, "10.1.2.3");
    assert!(status.response_datetime.ends_with('Z'));
}

#[tokio::test]
async fn a_refused_message_has_the_code_of_the_provider_if_that_is_a_number_of_its_own() {
    for (code, expected) in [
        (Some("1504"), 1504),
        (Some("-7"), -7),
        // These would say something else here.
        (Some("0"), 1),
        (Some("-1"), 1),
        (Some("E_NO_ROUTE"), 1),
        (Some("99999999999"), 1),
        (None, 1),
    ] {
        let steps = [answer(Outcome::Rejected, code, Some("no"))];
        let status = status_after(steps, State::Rejected).await;
        assert_eq!(status.code, expected, "{code:?}");
        assert_eq!(status.description, "no");
    }
}

#[tokio::test]
async fn where_the_provider_says_nothing_the_outcome_speaks() {
    let status = status_after([answer(Outcome::Rejected, None, None)], State::Rejected).await;
    assert_eq!(status.description, "rejected");
}

#[tokio::test]
async fn an_outcome_that_may_still_change_is_not_known_yet_without_a_code() {
    let steps = [answer(Outcome::Unknown, None, None)];
    assert_eq!(status_after(steps, State::Unconfirmed).await.code, -1);
    let steps = [answer(Outcome::Unknown, Some("502"), None)];
    assert_eq!(status_after(steps, State::Unconfirmed).await.code, 502);
}

#[tokio::test]
async fn a_message_that_ended_without_an_attempt_is_not_taken() {
    let server = Server::start();
    let id = send(&server).await;
    server
        .engine
        .cancel(id.uuid.parse().unwrap())
        .await
        .unwrap();
    let status = status(&server, &id).await;
    assert_eq!((status.code, status.description.as_str()), (1, "canceled"));
}

#[tokio::test]
async fn a_final_report_is_told_in_the_words_of_the_contract() {
    for (report, expected) in [
        (ReportStatus::Buffered, "no_report_yet"),
        (ReportStatus::Delivered, "delivered"),
        (ReportStatus::Undelivered, "delivery_failed"),
        (ReportStatus::Expired, "delivery_failed"),
        (ReportStatus::Rejected, "delivery_failed"),
        (ReportStatus::Unknown, "no_report_yet"),
    ] {
        let server = Server::working([accepted()]);
        let id = send(&server).await;
        let message = id.uuid.parse().unwrap();
        server.reaches(message, State::Sent).await;
        server.report(message, report).await;
        let told = delivery(&server, &id).await;
        assert_eq!(told.status, expected, "{report:?}");
        assert_eq!(told.message_id, id.uuid);
        if expected != "no_report_yet" {
            assert_eq!(told.receipted_message_id, "receipt-1");
            assert_eq!(told.short_message, "stat:DELIVRD");
            assert!(Timestamp::parse_rfc3339(&told.response_datetime).is_ok());
        }
        assert_eq!(status(&server, &id).await.code, 0, "{report:?}");
    }
}

#[tokio::test]
async fn ids_that_nobody_knows_get_ordinary_replies() {
    let server = Server::start();
    for uuid in ["", "x", "00000000-0000-0000-0000-000000000000", "7' OR 1=1"] {
        let id = MessageId { uuid: uuid.into() };
        let status = status(&server, &id).await;
        assert_eq!((status.code, status.ipaddress.as_str()), (-1, "0.0.0.0"));
        let delivery = delivery(&server, &id).await;
        assert_eq!(delivery.status, "no_report_yet");
        assert_eq!(delivery.message_id, uuid);
    }
}

#[tokio::test]
async fn wrong_fields_are_blamed_by_their_older_names_without_repeating_them() {
    let server = Server::start();
    let huge = "x".repeat(20_000);
    for (number, text, fields) in [
        ("", "Hello", &["mobile_number"][..]),
        ("abc", "Hello", &["mobile_number"]),
        ("7999", "Hello", &["mobile_number"]),
        ("79991234567890123", "Hello", &["mobile_number"]),
        ("79991234567", "", &["message"]),
        ("79991234567", " \n ", &["message"]),
        ("79991234567", &huge, &["message"]),
        ("79991234567", "a\0b", &["message"]),
        ("7999", "", &["mobile_number", "message"]),
    ] {
        let request = SmsMessage {
            mobile_number: number.into(),
            message: text.into(),
        };
        let status = server
            .legacy()
            .await
            .send_message(request)
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{number}");
        assert_eq!(blamed(&status), fields, "{number}");
        assert_eq!(details(&status).0, "INVALID_FIELD");
        assert!(!status.message().contains("7999"), "{status:?}");
        assert!(!status.message().contains("xxx"), "{status:?}");
    }
    assert_eq!(server.engine.count().await.unwrap().total(), 0);
}

#[tokio::test]
async fn a_number_out_of_every_known_range_is_taken_as_the_older_service_did() {
    let server = Server::start();
    let request = SmsMessage {
        mobile_number: "+7 (000) 000-00-00".into(),
        message: "Hello".into(),
    };
    assert!(server.legacy().await.send_message(request).await.is_ok());
}
