//! `grpc.health.v1`.

use sms_core::SystemEntropy;
use sms_grpc::{ApiKey, ApiKeys, Scopes};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::server::{Server, Setup, in_time};

const SERVICES: [&str; 3] = ["", "SMSService", "sms.v1.MessageService"];

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.into(),
    }
}

async fn check(server: &Server, service: &str) -> Result<ServingStatus, Status> {
    let mut client = HealthClient::new(server.channel().await);
    let reply = client.check(of(service)).await?;
    Ok(reply.into_inner().status())
}

#[tokio::test]
async fn each_service_serves_until_told_otherwise() {
    let server = Server::start();
    for service in SERVICES {
        assert_eq!(
            check(&server, service).await.unwrap(),
            ServingStatus::Serving
        );
    }
    server.health.set_serving(false);
    assert!(!server.health.is_serving());
    for service in SERVICES {
        assert_eq!(
            check(&server, service).await.unwrap(),
            ServingStatus::NotServing
        );
    }
    server.health.set_serving(true);
    assert_eq!(check(&server, "").await.unwrap(), ServingStatus::Serving);
}

#[tokio::test]
async fn other_services_are_not_found() {
    let server = Server::start();
    let status = check(&server, "other").await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
}

#[tokio::test]
async fn no_key_is_needed() {
    let api_keys = ApiKeys::new(vec![ApiKey {
        name: "key".into(),
        tenant: "anna".parse().unwrap(),
        hash: ApiKeys::generate(&SystemEntropy).hash,
        scopes: Scopes::ALL,
    }]);
    let server = Setup::configure(|config| config.api_keys = api_keys).start();
    assert_eq!(check(&server, "").await.unwrap(), ServingStatus::Serving);
}

#[tokio::test]
async fn a_watch_tells_changes_and_does_not_hold_up_the_end() {
    let server = Server::start();
    let mut client = HealthClient::new(server.channel().await);
    let mut watch = client.watch(of("")).await.unwrap().into_inner();
    let first = in_time(watch.message()).await.unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::Serving);
    server.health.set_serving(false);
    let second = in_time(watch.message()).await.unwrap().unwrap();
    assert_eq!(second.status(), ServingStatus::NotServing);
    server.stopped().await;
    let last = in_time(watch.message()).await.unwrap_err();
    assert_eq!(last.code(), Code::Unavailable);
}
