//! The books: what was accepted against what became of it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;
use sms_provider_http::sandbox::Sandbox;

use crate::load::Sent;
use crate::server::{PATIENCE, Server, get};

const FINAL: [&str; 7] = [
    "delivered",
    "undelivered",
    "rejected",
    "failed",
    "expired",
    "canceled",
    "unknown",
];

/// How many messages are in each state, as the metrics tell.
pub(crate) fn states(server: &Server) -> BTreeMap<String, u64> {
    let (_, metrics) = get(&server.admin, "/metrics");
    let line = |line: &str| {
        let rest = line.strip_prefix("sms_messages{state=\"")?;
        let (state, count) = rest.split_once("\"} ")?;
        Some((state.to_owned(), count.parse().ok()?))
    };
    metrics.lines().filter_map(line).collect()
}

/// Waits until every message is final, and gives them all.
pub(crate) fn settled(server: &Server) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let states = states(server);
        let open: u64 = states
            .iter()
            .filter(|(state, _)| !FINAL.contains(&state.as_str()))
            .map(|(_, count)| count)
            .sum();
        if open == 0 && !states.is_empty() {
            return server.json(&["list", "--all"]);
        }
        assert!(
            Instant::now() < deadline,
            "still open: {states:?}\n{}",
            server.log()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Every accepted message is there, the states add up, and the provider took none twice.
pub(crate) fn assert_balanced(
    server: &Server,
    accepted: &[Sent],
    messages: &[Value],
    sandbox: &Sandbox,
) {
    let total: u64 = states(server).values().sum();
    assert_eq!(
        usize::try_from(total).unwrap(),
        messages.len(),
        "list and counts differ"
    );
    let by_id: BTreeMap<&str, &Value> = messages
        .iter()
        .map(|message| (message["id"].as_str().unwrap(), message))
        .collect();
    assert_eq!(by_id.len(), messages.len(), "a message is listed twice");
    for sent in accepted {
        assert!(
            by_id.contains_key(sent.id.as_str()),
            "{} was accepted and is gone",
            sent.id
        );
        let record = sandbox.record(&sent.reference).unwrap_or_default();
        assert!(
            record.takings <= 1,
            "{} was taken {} times",
            sent.id,
            record.takings
        );
        assert_eq!(
            record.changes, 0,
            "{} was submitted with other bytes",
            sent.id
        );
    }
}

/// How many messages are in a state.
pub(crate) fn count(messages: &[Value], state: &str) -> usize {
    messages
        .iter()
        .filter(|message| message["state"] == state)
        .count()
}
