//! CancelMessage.

use sms_core::State;
use sms_grpc::proto::v1::{CancelMessageRequest, Message, State as WireState};
use tonic::{Code, Status};

use crate::server::{Server, details};

async fn cancel(server: &Server, id: impl ToString) -> Result<Message, Status> {
    let request = CancelMessageRequest { id: id.to_string() };
    let reply = server.v1().await.cancel_message(request).await;
    reply.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn a_queued_message_is_taken_back_and_again_without_harm() {
    let server = Server::start();
    let id = server.send().await;
    for _ in 0..2 {
        assert_eq!(
            cancel(&server, id).await.unwrap().state(),
            WireState::Canceled
        );
    }
}

#[tokio::test]
async fn what_is_on_its_way_is_not_taken_back() {
    let server = Server::working([] as [sms_core::Outcome; 0]);
    let id = server.send().await;
    server.reaches(id, State::Sent).await;
    let status = cancel(&server, id).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    let (reason, details) = details(&status);
    assert_eq!(reason, "CANCEL_TOO_LATE");
    let state = &details.error_info().unwrap().metadata["state"];
    assert_eq!(state, "sent");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let server = Server::start();
    let id = "018f4e9a-7c1b-7abc-8def-0123456789ab";
    let status = cancel(&server, id).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(details(&status).0, "MESSAGE_NOT_FOUND");
}
