//! SendMessages.

use prost::Message as _;
use sms_grpc::proto::v1::send_message_result::Outcome;
use sms_grpc::proto::v1::{Error, SendMessageRequest, SendMessageResult, SendMessagesRequest};
use tonic::{Code, Status};

use crate::server::{Server, blamed, details, to_send};

async fn send(
    server: &Server,
    requests: Vec<SendMessageRequest>,
) -> Result<Vec<SendMessageResult>, Status> {
    let request = SendMessagesRequest { requests };
    let reply = server.v1().await.send_messages(request).await;
    reply.map(|reply| reply.into_inner().results)
}

fn error(result: &SendMessageResult) -> &Error {
    match result.outcome.as_ref().unwrap() {
        Outcome::Error(error) => error,
        Outcome::Accepted(_) => panic!("accepted"),
    }
}

/// The error of one message, as the error of a call of its own would be.
fn as_status(error: &Error) -> Status {
    let status = tonic_types::pb::Status {
        code: error.code,
        message: error.message.clone(),
        details: error.details.clone(),
    };
    let details = status.encode_to_vec().into();
    Status::with_details(error.code.into(), &error.message, details)
}

#[tokio::test]
async fn each_message_has_its_own_result_in_order() {
    let server = Server::start();
    let named = |text: &str, key: &str| SendMessageRequest {
        text: text.into(),
        idempotency_key: key.into(),
        ..to_send()
    };
    let results = send(
        &server,
        vec![
            named("one", ""),
            named("", ""),
            named("three", "k"),
            named("three", "k"),
            named("other", "k"),
            SendMessageRequest {
                provider: "other".into(),
                ..to_send()
            },
            named("seven", ""),
        ],
    )
    .await
    .unwrap();
    let shape: Vec<String> = results
        .iter()
        .map(|result| match result.outcome.as_ref().unwrap() {
            Outcome::Accepted(a) => {
                format!("{} {}", a.message.as_ref().unwrap().text, a.replayed)
            }
            Outcome::Error(error) => details(&as_status(error)).0,
        })
        .collect();
    assert_eq!(
        shape,
        [
            "one false",
            "INVALID_FIELD",
            "three false",
            "three true",
            "IDEMPOTENCY_KEY_REUSED",
            "UNKNOWN_PROVIDER",
            "seven false"
        ]
    );
    assert_eq!(server.engine.count().await.unwrap().total(), 3);
}

#[tokio::test]
async fn an_error_of_one_has_the_details_of_an_error_of_its_own() {
    let server = Server::start();
    let wrong = SendMessageRequest {
        to: String::new(),
        ..to_send()
    };
    let alone = server
        .v1()
        .await
        .send_message(wrong.clone())
        .await
        .unwrap_err();
    let results = send(&server, vec![wrong]).await.unwrap();
    let among = as_status(error(&results[0]));
    assert_eq!(among.code(), alone.code());
    assert_eq!(among.message(), alone.message());
    assert_eq!(among.details(), alone.details());
    assert_eq!(blamed(&among), ["to"]);
}

#[tokio::test]
async fn none_or_too_many_are_refused_whole() {
    let server = Server::start();
    for count in [0, 1_001] {
        let status = send(&server, vec![to_send(); count]).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(blamed(&status), ["requests"]);
    }
    assert_eq!(server.engine.count().await.unwrap().total(), 0);
}

#[tokio::test]
async fn a_thousand_are_accepted_in_one_call() {
    let server = Server::start();
    let results = send(&server, vec![to_send(); 1_000]).await.unwrap();
    assert_eq!(results.len(), 1_000);
    assert_eq!(server.engine.count().await.unwrap().total(), 1_000);
}
