//! Coming to an end.

use std::time::Duration;

use sms_core::testing::Fault;
use sms_grpc::proto::v1::GetMessageRequest;
use tonic::transport::Endpoint;

use crate::server::{FaultOn, Server, Setup, in_time, to_send};

#[tokio::test]
async fn an_idle_server_ends_though_clients_are_connected() {
    let server = Server::start();
    let _connected = server.channel().await;
    server.send().await;
    server.stopped().await;
}

#[tokio::test]
async fn a_call_under_way_is_answered_and_no_new_one_is_taken() {
    let slow = FaultOn::new("insert", Fault::Delay(Duration::from_millis(200)));
    let mut server = Setup::default().with_faults(slow.clone()).start();
    let mut client = server.v1().await;
    let sending = tokio::spawn(async move { client.send_message(to_send()).await });
    in_time(slow.called.notified()).await;
    server.stop();
    assert!(in_time(sending).await.unwrap().is_ok());
    let address = format!("http://{}", server.address);
    server.stopped().await;
    assert!(
        Endpoint::from_shared(address)
            .unwrap()
            .connect()
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_call_that_does_not_end_is_cut() {
    let stuck = FaultOn::new("load", Fault::HangBefore);
    let setup = Setup::configure(|config| config.shutdown_grace = Duration::from_millis(50));
    let server = setup.with_faults(stuck.clone()).start();
    let mut client = server.v1().await;
    let id = "018f4e9a-7c1b-7abc-8def-0123456789ab".to_owned();
    let asking = tokio::spawn(async move { client.get_message(GetMessageRequest { id }).await });
    in_time(stuck.called.notified()).await;
    server.stopped().await;
    assert!(in_time(asking).await.unwrap().is_err());
}
