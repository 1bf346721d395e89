//! `grpc.reflection`.

use sms_core::SystemEntropy;
use sms_grpc::{ApiKey, ApiKeys, Scopes};
use tokio_stream::once;
use tonic::{Code, Request, Status};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::server::{Server, Setup};

async fn ask(
    server: &Server,
    question: MessageRequest,
    key: Option<&str>,
) -> Result<MessageResponse, Status> {
    let mut request = Request::new(once(ServerReflectionRequest {
        host: String::new(),
        message_request: Some(question),
    }));
    if let Some(key) = key {
        let value = format!("Bearer {key}").parse().unwrap();
        request.metadata_mut().insert("authorization", value);
    }
    let mut client = ServerReflectionClient::new(server.channel().await);
    let mut replies = client.server_reflection_info(request).await?.into_inner();
    let reply = replies.message().await?.unwrap();
    Ok(reply.message_response.unwrap())
}

fn services() -> MessageRequest {
    MessageRequest::ListServices(String::new())
}

#[tokio::test]
async fn lists_both_contracts() {
    let server = Server::start();
    let MessageResponse::ListServicesResponse(list) = ask(&server, services(), None).await.unwrap()
    else {
        panic!("not a list");
    };
    let names: Vec<_> = list.service.iter().map(|service| &*service.name).collect();
    for name in [
        "SMSService",
        "sms.v1.MessageService",
        "grpc.health.v1.Health",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
}

#[tokio::test]
async fn describes_what_it_lists_and_the_details_of_errors() {
    let server = Server::start();
    for symbol in [
        "SMSService",
        "SMSMessage",
        "sms.v1.MessageService",
        "sms.v1.Message",
        "google.rpc.BadRequest",
        "google.protobuf.Timestamp",
    ] {
        let question = MessageRequest::FileContainingSymbol(symbol.into());
        let reply = ask(&server, question, None).await.unwrap();
        let found = matches!(reply, MessageResponse::FileDescriptorResponse(_));
        assert!(found, "{symbol}");
    }
}

#[tokio::test]
async fn needs_a_key_where_there_are_keys() {
    let made = ApiKeys::generate(&SystemEntropy);
    let api_keys = ApiKeys::new(vec![ApiKey {
        name: "key".into(),
        tenant: "anna".parse().unwrap(),
        hash: made.hash,
        scopes: Scopes::ALL,
    }]);
    let server = Setup::configure(|config| config.api_keys = api_keys).start();
    let status = ask(&server, services(), None).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    let key = made.key.expose();
    assert!(ask(&server, services(), Some(key)).await.is_ok());
}

#[tokio::test]
async fn can_be_switched_off() {
    let server = Setup::configure(|config| config.reflection = false).start();
    let status = ask(&server, services(), None).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}
