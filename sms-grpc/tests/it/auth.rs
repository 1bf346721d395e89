//! API keys, scopes, tenants.

use sms_core::SystemEntropy;
use sms_grpc::proto::legacy::{MessageId, SmsMessage};
use sms_grpc::proto::v1::{
    CancelMessageRequest, GetMessageRequest, ListMessagesRequest, SendMessageRequest,
    WatchMessageRequest,
};
use sms_grpc::{ApiKey, ApiKeys, Scope, Scopes};
use tonic::{Code, Request};

use crate::server::{Server, Setup, details, to_send};

/// A server with a key for each of two tenants, and the keys.
fn server() -> (Server, [String; 2]) {
    let generated = ["anna", "boris"].map(|name| (name, ApiKeys::generate(&SystemEntropy)));
    let keys = generated
        .each_ref()
        .map(|(_, made)| made.key.expose().to_owned());
    let api_keys = generated.map(|(name, made)| ApiKey {
        name: name.into(),
        tenant: name.parse().unwrap(),
        hash: made.hash,
        scopes: Scopes::ALL,
    });
    let setup = Setup::configure(|config| config.api_keys = ApiKeys::new(api_keys.into()));
    (setup.start(), keys)
}

fn with_key<T>(key: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let value = format!("Bearer {key}").parse().unwrap();
    request.metadata_mut().insert("authorization", value);
    request
}

async fn send_as(server: &Server, key: &str, request: SendMessageRequest) -> String {
    let reply = server.v1().await.send_message(with_key(key, request)).await;
    reply.unwrap().into_inner().message.unwrap().id
}

#[tokio::test]
async fn without_a_key_or_with_a_wrong_one_nothing_is_answered() {
    let (server, [key, _]) = server();
    let unknown = ApiKeys::generate(&SystemEntropy);
    let cases = [
        (Request::new(to_send()), "API_KEY_MISSING"),
        (with_key("", to_send()), "API_KEY_MALFORMED"),
        (with_key(&key[1..], to_send()), "API_KEY_MALFORMED"),
        (
            with_key(&key.replace("sms_", "SMS_"), to_send()),
            "API_KEY_MALFORMED",
        ),
        (with_key(unknown.key.expose(), to_send()), "API_KEY_UNKNOWN"),
    ];
    for (request, reason) in cases {
        let status = server.v1().await.send_message(request).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(details(&status).0, reason);
        assert!(!status.message().contains(&key[4..]), "{status:?}");
    }
    assert_eq!(server.engine.count().await.unwrap().total(), 0);
}

#[tokio::test]
async fn calls_that_are_refused_for_their_key_are_counted_and_no_others() {
    let (server, [key, _]) = server();
    let mut client = server.v1().await;
    send_as(&server, &key, to_send()).await;
    assert_eq!(server.refused_keys.count(), 0);
    for (request, expected) in [
        (Request::new(to_send()), 1),
        (with_key("sms_x", to_send()), 2),
        (with_key(&key, SendMessageRequest::default()), 2),
    ] {
        assert!(client.send_message(request).await.is_err());
        assert_eq!(server.refused_keys.count(), expected);
    }
}

#[tokio::test]
async fn the_older_contract_needs_the_key_too() {
    let (server, [key, _]) = server();
    let mut client = server.legacy().await;
    let request = SmsMessage {
        mobile_number: "79991234567".into(),
        message: "Hello".into(),
    };
    let status = client.send_message(request.clone()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    let id = client.send_message(with_key(&key, request)).await;
    let id = id.unwrap().into_inner();
    let status = client.get_message_status(id.clone()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    let reply = client.get_message_status(with_key(&key, id)).await;
    assert_eq!(reply.unwrap().into_inner().description, "queued");
}

#[tokio::test]
async fn a_tenant_sees_its_own_messages_only() {
    let (server, [anna, boris]) = server();
    let id = send_as(&server, &anna, to_send()).await;
    let mut client = server.v1().await;

    let request = GetMessageRequest { id: id.clone() };
    let status = client.get_message(with_key(&boris, request.clone())).await;
    assert_eq!(status.unwrap_err().code(), Code::NotFound);
    assert!(client.get_message(with_key(&anna, request)).await.is_ok());

    let request = WatchMessageRequest { id: id.clone() };
    let status = client.watch_message(with_key(&boris, request)).await;
    assert_eq!(status.unwrap_err().code(), Code::NotFound);

    let list = ListMessagesRequest::default;
    let seen = client
        .list_messages(with_key(&boris, list()))
        .await
        .unwrap();
    assert!(seen.into_inner().messages.is_empty());
    let seen = client.list_messages(with_key(&anna, list())).await.unwrap();
    assert_eq!(seen.into_inner().messages.len(), 1);

    let request = CancelMessageRequest { id: id.clone() };
    let status = client
        .cancel_message(with_key(&boris, request.clone()))
        .await;
    assert_eq!(status.unwrap_err().code(), Code::NotFound);
    let canceled = client.cancel_message(with_key(&anna, request)).await;
    assert_eq!(
        canceled.unwrap().into_inner().state().as_str_name(),
        "STATE_CANCELED"
    );

    let mut client = server.legacy().await;
    let id = MessageId { uuid: id };
    let code =
        async |client: &mut sms_grpc::proto::legacy::sms_service_client::SmsServiceClient<_>,
               key: &str| {
            let reply = client.get_message_status(with_key(key, id.clone())).await;
            reply.unwrap().into_inner().code
        };
    assert_eq!(code(&mut client, &boris).await, -1);
    assert_eq!(code(&mut client, &anna).await, 1);
}

#[tokio::test]
async fn tenants_do_not_share_idempotency_keys() {
    let (server, [anna, boris]) = server();
    let request = |text: &str| SendMessageRequest {
        idempotency_key: "order-17".into(),
        text: text.into(),
        ..to_send()
    };
    let first = send_as(&server, &anna, request("one")).await;
    let second = send_as(&server, &boris, request("two")).await;
    assert_ne!(first, second);
}

#[tokio::test]
async fn a_key_does_what_its_scopes_allow() {
    let made = [Scope::Send, Scope::Read].map(|scope| (scope, ApiKeys::generate(&SystemEntropy)));
    let [send, read] = made
        .each_ref()
        .map(|(_, made)| made.key.expose().to_owned());
    let api_keys = made.map(|(scope, made)| ApiKey {
        name: scope.as_str().into(),
        tenant: "anna".parse().unwrap(),
        hash: made.hash,
        scopes: [scope].into_iter().collect::<Scopes>(),
    });
    let setup = Setup::configure(|config| config.api_keys = ApiKeys::new(api_keys.into()));
    let server = setup.start();
    let mut client = server.v1().await;

    let status = client
        .send_message(with_key(&read, to_send()))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    let (reason, details) = details(&status);
    assert_eq!(reason, "SCOPE_MISSING");
    assert_eq!(details.error_info().unwrap().metadata["scope"], "send");

    let id = send_as(&server, &send, to_send()).await;
    let request = GetMessageRequest { id };
    let status = client.get_message(with_key(&send, request.clone())).await;
    assert_eq!(status.unwrap_err().code(), Code::PermissionDenied);
    assert!(client.get_message(with_key(&read, request)).await.is_ok());
}
