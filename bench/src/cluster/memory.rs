//! How much of the memory of Redis a message takes that is delivered.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use hyper::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::http::Connection;

/// Connections that post reports.
const REPORTERS: usize = 16;

/// Posts the report of the delivery of each of these messages, in the older form.
pub(super) async fn report_all(delivery: SocketAddr, ids: Vec<String>) -> anyhow::Result<()> {
    let mut reporters = JoinSet::new();
    for part in ids.chunks(ids.len().div_ceil(REPORTERS).max(1)) {
        reporters.spawn(report(delivery, part.to_vec()));
    }
    while let Some(ended) = reporters.join_next().await {
        ended.context("a reporter ended early")??;
    }
    Ok(())
}

async fn report(delivery: SocketAddr, ids: Vec<String>) -> anyhow::Result<()> {
    let mut connection = Connection::new(delivery);
    for id in ids {
        let body = json!({
            "msg_id": id,
            "receipted_message_id": id,
            "status": "delivered",
            "short_message": "id:3163234653 submit date:2611230057 done date:2611230057 \
                              stat:DELIVRD err:000"
        });
        let body = body.to_string().into();
        let (status, _) = connection.send(Method::POST, "/callback", body).await?;
        ensure!(status.is_success(), "a report was answered {status}");
    }
    Ok(())
}
