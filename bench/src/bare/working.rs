//! Sending what was queued.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use futures_util::StreamExt as _;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, StatusCode, Uri, header::CONTENT_TYPE};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use lapin::{Consumer, message::Delivery, options::BasicAckOptions};
use tokio::task::JoinSet;

use super::{hints::Hint, records::Records};
use crate::provider::MEGAFON_PATH;

/// Sends messages, as many at once as the broker gives it.
#[derive(Clone, Debug)]
pub(super) struct Worker {
    records: Records,
    client: Client<HttpConnector, Full<Bytes>>,
    provider: SocketAddr,
}

impl Worker {
    pub(super) fn new(records: Records, provider: SocketAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            records,
            client: Client::builder(TokioExecutor::new()).build(connector),
            provider,
        }
    }

    /// Works until something fails.
    pub(super) async fn work(self, mut deliveries: Consumer) -> anyhow::Result<()> {
        let mut attempts = JoinSet::new();
        loop {
            tokio::select! {
                delivery = deliveries.next() => {
                    let delivery = delivery.context("the broker ended the consumer")??;
                    attempts.spawn(self.clone().attempt(delivery));
                }
                Some(ended) = attempts.join_next() => ended.context("an attempt broke down")??,
            }
        }
    }

    async fn attempt(mut self, delivery: Delivery) -> anyhow::Result<()> {
        let hint: Hint = serde_json::from_slice(&delivery.data).context("not a hint")?;
        if self.records.change(&hint.key, "queued", "sending").await? {
            self.submit(&hint).await?;
            self.records.change(&hint.key, "sending", "sent").await?;
        }
        let acknowledged = delivery.acker.ack(BasicAckOptions::default()).await;
        acknowledged.context("cannot acknowledge")?;
        Ok(())
    }

    async fn submit(&self, hint: &Hint) -> anyhow::Result<()> {
        let body = serde_json::to_vec(&serde_json::json!({
            "from": "Bench", "to": hint.to, "message": hint.text, "msg_id": hint.key
        }))?;
        let uri = Uri::builder()
            .scheme("http")
            .authority(self.provider.to_string())
            .path_and_query(MEGAFON_PATH)
            .build()?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(uri)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(body))?;
        let response = self.client.request(request).await;
        let response = response.context("the provider does not answer")?;
        ensure!(response.status() == StatusCode::OK, "the provider refuses");
        // Read to its end, so that the connection can be used again.
        response.into_body().collect().await?;
        Ok(())
    }
}
