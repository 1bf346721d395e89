//! PreviewMessage.

use sms_grpc::proto::v1::{
    Encoding, EncodingChoice, PreviewMessageRequest, PreviewMessageResponse, SendMessageRequest,
};
use tonic::{Code, Status};

use crate::server::{PROVIDER, Server, blamed, to_send};

async fn preview(
    server: &Server,
    request: Option<SendMessageRequest>,
) -> Result<PreviewMessageResponse, Status> {
    let request = PreviewMessageRequest { request };
    let reply = server.v1().await.preview_message(request).await;
    reply.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn tells_encoding_segments_replacements_and_route_without_sending() {
    let server = Server::start();
    let request = SendMessageRequest {
        text: "“Quoted” – text".into(),
        encoding: EncodingChoice::Gsm7Smart.into(),
        ..to_send()
    };
    let told = preview(&server, Some(request)).await.unwrap();
    assert_eq!(told.text, "\"Quoted\" - text");
    assert_eq!(told.encoding(), Encoding::Gsm7);
    assert_eq!(told.original_encoding(), Encoding::Ucs2);
    assert_eq!(
        (told.segments, told.units, told.units_per_segment),
        (1, 15, 160)
    );
    let replaced = told.replacements.iter();
    let replaced: Vec<_> = replaced.map(|r| (&*r.from, &*r.to, r.count)).collect();
    assert_eq!(replaced, [("“", "\"", 1), ("”", "\"", 1), ("–", "-", 1)]);
    assert_eq!(told.provider, PROVIDER);
    assert_eq!(server.engine.count().await.unwrap().total(), 0);
}

#[tokio::test]
async fn long_texts_take_segments() {
    let server = Server::start();
    let request = SendMessageRequest {
        text: "ж".repeat(71),
        ..to_send()
    };
    let told = preview(&server, Some(request)).await.unwrap();
    assert_eq!(
        (told.segments, told.units, told.units_per_segment),
        (2, 71, 67)
    );
}

#[tokio::test]
async fn refuses_what_sending_would_refuse() {
    let server = Server::start();
    let status = preview(&server, None).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(blamed(&status), ["request.to", "request.text"]);
    let far = SendMessageRequest {
        validity: Some(prost_types::Duration {
            seconds: 86_400 * 365,
            nanos: 0,
        }),
        ..to_send()
    };
    let status = preview(&server, Some(far)).await.unwrap_err();
    assert_eq!(blamed(&status), ["request.validity"]);
}
