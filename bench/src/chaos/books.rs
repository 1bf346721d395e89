//! Everything that was noted in a run, for the check.

use std::{collections::BTreeMap, net::SocketAddr};

use anyhow::Context as _;
use hyper::Method;
use sms_grpc::proto::v1::{
    ListMessagesRequest, Message, State, message_service_client::MessageServiceClient,
};
use tonic::transport::Channel;

use super::{
    ledger::{Call, Posted},
    load::Wish,
};
use crate::http::Connection;

/// The largest page that the server gives.
const PAGE: i32 = 500;

/// Everything that was noted in a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Books {
    /// What the senders asked for, and were told.
    pub(super) wishes: Vec<Wish>,
    /// What the provider was asked, and what it took.
    pub(super) calls: Vec<Call>,
    /// What it reported.
    pub(super) reports: Vec<Posted>,
    /// All messages in the end.
    pub(super) messages: Vec<Message>,
    /// What was seen of some meanwhile.
    pub(super) glimpses: Vec<Message>,
    /// What each process counts.
    pub(super) counts: Vec<Counts>,
}

/// What the metrics of one process tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counts {
    /// Messages in the store by state.
    pub(super) states: BTreeMap<String, u64>,
    /// By how many seconds the oldest deadline has passed.
    pub(super) overdue: f64,
}

impl Counts {
    /// Reads the metrics of a process.
    pub(super) async fn ask(admin: SocketAddr) -> anyhow::Result<Self> {
        let asked = Connection::new(admin).ask(Method::GET, "/metrics").await;
        let (_, body) = asked.context("metrics")?;
        Self::read(&String::from_utf8_lossy(&body)).context("the metrics lack what is looked for")
    }

    fn read(text: &str) -> Option<Self> {
        let mut counts = Self::default();
        let mut overdue = None;
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("sms_messages{state=\"") {
                let (state, count) = rest.split_once("\"} ")?;
                counts.states.insert(state.to_owned(), count.parse().ok()?);
            } else if let Some(rest) = line.strip_prefix("sms_oldest_overdue_deadline_seconds ") {
                overdue = rest.parse().ok();
            }
        }
        counts.overdue = overdue?;
        Some(counts)
    }

    /// Messages that are not final.
    pub(super) fn open(&self) -> u64 {
        let open = self
            .states
            .iter()
            .filter(|(state, _)| OPEN.contains(&state.as_str()));
        open.map(|(_, count)| count).sum()
    }
}

/// The states that are not final, as metrics call them.
const OPEN: [&str; 5] = ["scheduled", "queued", "sending", "unconfirmed", "sent"];

/// Whether nothing more is going to happen to a message by the gateway's own doing.
pub(super) fn is_final(state: State) -> bool {
    !matches!(
        state,
        State::Unspecified
            | State::Scheduled
            | State::Queued
            | State::Sending
            | State::Unconfirmed
            | State::Sent
    )
}

/// Every message that an api has.
pub(super) async fn list(channel: Channel) -> anyhow::Result<Vec<Message>> {
    let mut client = MessageServiceClient::new(channel);
    let mut all = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListMessagesRequest {
            page_size: PAGE,
            page_token,
            ..ListMessagesRequest::default()
        };
        let page = client.list_messages(request).await?.into_inner();
        all.extend(page.messages);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_off_the_metrics() {
        let text = "# TYPE sms_messages gauge\nsms_messages{state=\"sent\"} 3\n\
                    sms_messages{state=\"delivered\"} 4\n\
                    sms_oldest_overdue_deadline_seconds 0.5\n# EOF\n";
        let counts = Counts::read(text).unwrap();
        assert_eq!(
            (counts.states.len(), counts.open(), counts.overdue),
            (2, 3, 0.5)
        );
        assert_eq!(Counts::read("sms_messages{state=\"sent\"} 3\n"), None);
    }
}
