//! WatchMessage.

use sms_core::{ReportStatus, State};
use sms_grpc::proto::v1::{Message, WatchMessageRequest};
use tonic::{Code, Streaming};

use crate::server::{Server, details, in_time, states};

async fn watch(server: &Server, id: impl ToString) -> Streaming<Message> {
    let request = WatchMessageRequest { id: id.to_string() };
    let reply = server.v1().await.watch_message(request).await;
    reply.unwrap().into_inner()
}

async fn rest(mut stream: Streaming<Message>) -> Vec<Message> {
    let mut seen = Vec::new();
    while let Some(message) = in_time(stream.message()).await.unwrap() {
        seen.push(message);
    }
    seen
}

#[tokio::test]
async fn the_state_now_and_every_change_until_the_final_one() {
    let server = Server::start();
    let id = server.send().await;
    let mut stream = watch(&server, id).await;
    let first = in_time(stream.message()).await.unwrap().unwrap();
    assert_eq!(states(&[first]), ["STATE_QUEUED"]);
    let _work = server.engine.start();
    server.reaches(id, State::Sent).await;
    server.report(id, ReportStatus::Delivered).await;
    let seen = rest(stream).await;
    assert_eq!(
        states(&seen),
        ["STATE_SENDING", "STATE_SENT", "STATE_DELIVERED"]
    );
    assert!(seen.is_sorted_by_key(|message| message.version));
}

#[tokio::test]
async fn a_final_message_is_told_once() {
    let server = Server::start();
    let id = server.send().await;
    server.engine.cancel(id).await.unwrap();
    let seen = rest(watch(&server, id).await).await;
    assert_eq!(states(&seen), ["STATE_CANCELED"]);
}

#[tokio::test]
async fn a_message_that_is_not_there_cannot_be_watched() {
    let server = Server::start();
    let id = "018f4e9a-7c1b-7abc-8def-0123456789ab".to_owned();
    let reply = server
        .v1()
        .await
        .watch_message(WatchMessageRequest { id })
        .await;
    assert_eq!(reply.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_shutdown_ends_the_stream_as_unavailable() {
    let mut server = Server::start();
    let id = server.send().await;
    let mut stream = watch(&server, id).await;
    in_time(stream.message()).await.unwrap().unwrap();
    server.stop();
    let status = in_time(stream.message()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let (reason, details) = details(&status);
    assert_eq!(reason, "SHUTTING_DOWN");
    assert!(details.retry_info().is_some());
    server.stopped().await;
}
