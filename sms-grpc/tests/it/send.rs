//! SendMessage and GetMessage.

use prost_types::{Duration, Timestamp};
use sms_core::State;
use sms_grpc::proto::v1::{
    Cause, Encoding, EncodingChoice, GetMessageRequest, Message, Priority, SendMessageRequest,
    State as WireState, UnknownPolicy,
};
use tonic::Code;

use crate::server::{NUMBER, PROVIDER, Server, details, to_send};

async fn send(server: &Server, request: SendMessageRequest) -> (Message, bool) {
    let reply = server.v1().await.send_message(request).await;
    let reply = reply.unwrap().into_inner();
    (reply.message.unwrap(), reply.replayed)
}

async fn get(server: &Server, id: &str) -> Result<Message, tonic::Status> {
    let request = GetMessageRequest { id: id.into() };
    let reply = server.v1().await.get_message(request).await;
    reply.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn the_reply_is_the_message_as_it_is_stored() {
    let server = Server::start();
    let (message, replayed) = send(&server, to_send()).await;
    assert!(!replayed);
    assert_eq!(message.to, NUMBER);
    assert_eq!(message.text, "Hello");
    assert_eq!(message.state(), WireState::Queued);
    assert_eq!(message.encoding(), Encoding::Gsm7);
    assert_eq!(message.priority(), Priority::Normal);
    assert_eq!(message.on_unknown(), UnknownPolicy::Hold);
    assert_eq!(message.segments, 1);
    assert_eq!(message.provider, PROVIDER);
    assert_eq!(message.reference.len(), 16);
    assert_eq!(message.timeline[0].cause(), Cause::Accepted);
    assert!(message.deadline.is_some() && message.finished_at.is_none());
    let validity = message.expires_at.unwrap().seconds - message.accepted_at.unwrap().seconds;
    assert_eq!(validity, 24 * 3_600);
    assert_eq!(get(&server, &message.id).await.unwrap(), message);
}

#[tokio::test]
async fn every_wish_of_the_client_is_kept() {
    let server = Server::start();
    let at = server.engine.now().as_millis() / 1_000 + 3_600;
    let send_at = Timestamp {
        seconds: at,
        nanos: 250_999_999,
    };
    let request = SendMessageRequest {
        from: "MyBrand".into(),
        encoding: EncodingChoice::Ucs2.into(),
        priority: Priority::Otp.into(),
        on_unknown: UnknownPolicy::PreferDuplicate.into(),
        send_at: Some(send_at),
        validity: Some(Duration {
            seconds: 90,
            nanos: 0,
        }),
        provider: PROVIDER.into(),
        ..to_send()
    };
    let (message, _) = send(&server, request).await;
    assert_eq!(message.from, "MyBrand");
    assert_eq!(message.encoding(), Encoding::Ucs2);
    assert_eq!(message.priority(), Priority::Otp);
    assert_eq!(message.on_unknown(), UnknownPolicy::PreferDuplicate);
    assert_eq!(message.state(), WireState::Scheduled);
    // Kept to the millisecond.
    let kept = Timestamp {
        seconds: at,
        nanos: 250_000_000,
    };
    assert_eq!(message.send_at, Some(kept));
    assert_eq!(message.expires_at.unwrap().seconds, at + 90);
}

#[tokio::test]
async fn a_number_of_no_known_range_is_taken_on_demand() {
    let server = Server::start();
    let request = SendMessageRequest {
        to: "+7 000 000 00 00".into(),
        allow_unassigned: true,
        ..to_send()
    };
    assert_eq!(send(&server, request).await.0.to, "+70000000000");
}

#[tokio::test]
async fn the_same_key_and_contents_are_one_message() {
    let server = Server::start();
    let request = SendMessageRequest {
        idempotency_key: "order-17".into(),
        ..to_send()
    };
    let (first, replayed) = send(&server, request.clone()).await;
    assert!(!replayed);
    let (second, replayed) = send(&server, request).await;
    assert!(replayed);
    assert_eq!(second, first);
    // The other name of the field means the same.
    let request = SendMessageRequest {
        request_id: "order-17".into(),
        ..to_send()
    };
    let (third, replayed) = send(&server, request).await;
    assert!(replayed);
    assert_eq!(third.id, first.id);
    assert_eq!(server.engine.count().await.unwrap().total(), 1);
}

#[tokio::test]
async fn the_same_key_with_other_contents_is_refused() {
    let server = Server::start();
    let request = |text: &str| SendMessageRequest {
        idempotency_key: "order-17".into(),
        text: text.into(),
        ..to_send()
    };
    send(&server, request("one")).await;
    let refused = server.v1().await.send_message(request("two")).await;
    let status = refused.unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists);
    assert_eq!(details(&status).0, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(server.engine.count().await.unwrap().total(), 1);
}

#[tokio::test]
async fn the_life_of_a_message_is_told() {
    let server = Server::working([] as [sms_core::Outcome; 0]);
    let id = server.send().await;
    server.reaches(id, State::Sent).await;
    server.report(id, sms_core::ReportStatus::Delivered).await;
    let message = get(&server, &id.to_string()).await.unwrap();
    assert_eq!(message.state(), WireState::Delivered);
    assert!(message.finished_at.is_some() && message.deadline.is_none());
    let attempt = &message.attempts[0];
    assert_eq!(
        (attempt.number, attempt.provider_id.as_str()),
        (1, "provider-1")
    );
    assert_eq!(attempt.outcome().as_str_name(), "ATTEMPT_OUTCOME_ACCEPTED");
    let report = &message.reports[0];
    assert_eq!(report.status().as_str_name(), "REPORT_STATUS_DELIVERED");
    assert_eq!(report.receipt_id, "receipt-1");
    let causes: Vec<_> = message.timeline.iter().map(|t| t.cause()).collect();
    let expected = [
        Cause::Accepted,
        Cause::Claimed,
        Cause::Answered,
        Cause::Reported,
    ];
    assert_eq!(causes, expected);
}

#[tokio::test]
async fn a_message_that_is_not_there_is_not_found() {
    let server = Server::start();
    let id = "018f4e9a-7c1b-7abc-8def-0123456789ab";
    let status = get(&server, id).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let (reason, details) = details(&status);
    assert_eq!(reason, "MESSAGE_NOT_FOUND");
    let resource = details.resource_info().unwrap();
    assert_eq!(resource.resource_type, "sms.v1.Message");
    assert_eq!(resource.resource_name, id);
}
