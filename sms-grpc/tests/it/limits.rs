//! Too much at once.

use sms_core::testing::Fault;
use sms_grpc::proto::v1::{GetMessageRequest, WatchMessageRequest};
use tonic::Code;

use crate::server::{FaultOn, Setup, details, in_time, to_send};

#[tokio::test]
async fn calls_beyond_the_limit_are_refused_with_a_time_to_try_again() {
    let stuck = FaultOn::new("load", Fault::HangBefore);
    let setup = Setup::configure(|config| config.max_concurrent_calls = 1);
    let server = setup.with_faults(stuck.clone()).start();
    let mut client = server.v1().await;
    let first = tokio::spawn({
        let mut client = client.clone();
        let id = "018f4e9a-7c1b-7abc-8def-0123456789ab".to_owned();
        async move { client.get_message(GetMessageRequest { id }).await.is_ok() }
    });
    in_time(stuck.called.notified()).await;
    let status = client.send_message(to_send()).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    let (reason, details) = details(&status);
    assert_eq!(reason, "OVERLOADED");
    assert!(details.retry_info().unwrap().retry_delay.is_some());
    first.abort();
}

#[tokio::test]
async fn watches_beyond_the_limit_are_refused() {
    let server = Setup::configure(|config| config.max_watches = 1).start();
    let id = server.send().await.to_string();
    let mut client = server.v1().await;
    let watch = || WatchMessageRequest { id: id.clone() };
    let first = client.watch_message(watch()).await.unwrap();
    let status = client.watch_message(watch()).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(details(&status).0, "OVERLOADED");
    drop(first);
    // The place is free again once the server has heard of it.
    in_time(async {
        while client.watch_message(watch()).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_request_beyond_the_limit_of_bytes_is_refused() {
    let server = Setup::configure(|config| config.max_message_bytes = 1_000).start();
    let mut request = to_send();
    request.text = "x".repeat(1_000);
    let status = server.v1().await.send_message(request).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange);
    assert_eq!(server.engine.count().await.unwrap().total(), 0);
}
