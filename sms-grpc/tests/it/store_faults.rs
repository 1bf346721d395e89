//! When the store does not answer.

use sms_core::testing::Fault;
use sms_grpc::proto::legacy::SmsMessage;
use sms_grpc::proto::v1::{GetMessageRequest, ListMessagesRequest};
use tonic::{Code, Status};

use crate::server::{FaultOn, Server, Setup, details, to_send};

fn without(method: &'static str) -> Server {
    let faults = FaultOn::new(method, Fault::Refuse);
    Setup::default().with_faults(faults).start()
}

fn assert_unavailable(status: &Status) {
    assert_eq!(status.code(), Code::Unavailable);
    let (reason, details) = details(status);
    assert_eq!(reason, "STORE_UNAVAILABLE");
    assert!(details.retry_info().unwrap().retry_delay.is_some());
    // What goes on behind the server is none of a client's business.
    assert_eq!(status.message(), "the store is not available; try again");
}

#[tokio::test]
async fn sending_is_unavailable_on_both_faces() {
    let server = without("insert");
    assert_unavailable(&server.v1().await.send_message(to_send()).await.unwrap_err());
    let request = SmsMessage {
        mobile_number: "79991234567".into(),
        message: "Hello".into(),
    };
    assert_unavailable(
        &server
            .legacy()
            .await
            .send_message(request)
            .await
            .unwrap_err(),
    );
}

#[tokio::test]
async fn asking_is_unavailable_too() {
    let server = without("load");
    let id = "018f4e9a-7c1b-7abc-8def-0123456789ab".to_owned();
    let request = GetMessageRequest { id: id.clone() };
    assert_unavailable(&server.v1().await.get_message(request).await.unwrap_err());
    let id = sms_grpc::proto::legacy::MessageId { uuid: id };
    assert_unavailable(
        &server
            .legacy()
            .await
            .get_message_status(id)
            .await
            .unwrap_err(),
    );
    let server = without("list");
    let listed = server
        .v1()
        .await
        .list_messages(ListMessagesRequest::default())
        .await;
    assert_unavailable(&listed.unwrap_err());
}
