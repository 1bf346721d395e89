//! `amqps:`.

use sms_amqp::LinkState;
use sms_core::{Priority, Queue};

use crate::broker;
use crate::setup::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hints_flow_over_tls_when_the_authority_is_trusted() {
    let broker = broker::shared().await;
    let mut options = options();
    options.ca_certificates = Some(broker.authority.clone());
    let queue = connect(&format!("amqps://localhost:{}", broker.tls_port), &options).await;
    let pushed = hint(Priority::Normal, 2);
    queue.push(vec![pushed.clone()]).await.unwrap();
    take_all(&queue, pushed.ids.into_iter().collect()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_whose_authority_is_not_trusted_gets_nothing() {
    let broker = broker::shared().await;
    let queue = connect(
        &format!("amqps://localhost:{}", broker.tls_port),
        &options(),
    )
    .await;
    let LinkState::Down { problem } = queue.health().link else {
        panic!("connected to a stranger: {:?}", queue.health());
    };
    assert!(problem.to_lowercase().contains("certificate"), "{problem}");
}
