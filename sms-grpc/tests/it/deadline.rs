//! Deadlines of clients. Written by hand, because tonic's client would end the calls itself.

use std::time::Duration;

use prost::Message as _;
use sms_core::testing::Fault;
use sms_grpc::proto::v1::{GetMessageRequest, SendMessageResponse};

use crate::raw::call;
use crate::server::{FaultOn, Server, Setup, in_time, to_send};

const SEND: &str = "/sms.v1.MessageService/SendMessage";
const GET: &str = "/sms.v1.MessageService/GetMessage";
const DEADLINE_EXCEEDED: u16 = 4;

#[tokio::test]
async fn a_question_is_given_up_at_its_deadline() {
    let setup = Setup::default().with_faults(FaultOn::new("load", Fault::HangBefore));
    let server = setup.start();
    let question = GetMessageRequest {
        id: "018f4e9a-7c1b-7abc-8def-0123456789ab".into(),
    };
    let question = question.encode_to_vec();
    let timeout = [("grpc-timeout", "50m")];
    let reply = in_time(call(server.address, GET, &timeout, &question)).await;
    assert_eq!(reply.status, DEADLINE_EXCEEDED);
}

#[tokio::test]
async fn a_write_that_began_is_answered_even_after_its_deadline() {
    let slow = Fault::Delay(Duration::from_millis(100));
    let setup = Setup::default().with_faults(FaultOn::new("insert", slow));
    let server = setup.start();
    let request = to_send().encode_to_vec();
    let timeout = [("grpc-timeout", "1m")];
    let reply = in_time(call(server.address, SEND, &timeout, &request)).await;
    assert_eq!(reply.status, 0);
    let sent = SendMessageResponse::decode(&*reply.message).unwrap();
    let id = sent.message.unwrap().id.parse().unwrap();
    assert!(server.engine.message(id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_write_whose_deadline_has_passed_is_not_begun() {
    let server = Server::start();
    let request = to_send().encode_to_vec();
    let reply = call(server.address, SEND, &[("grpc-timeout", "0n")], &request).await;
    assert_eq!(reply.status, DEADLINE_EXCEEDED);
    assert_eq!(server.engine.count().await.unwrap().total(), 0);
}
