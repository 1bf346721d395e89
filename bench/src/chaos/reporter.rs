//! Posts the provider's delivery reports.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use hyper::Method;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::{
    dice::Dice,
    ledger::{Ledger, Posted},
    manner::{Reporting, is_delivered, is_named_by_provider_id},
};
use crate::http::Connection;

/// Where reports go that name a message by the provider's id alone.
const PLAIN_CALLBACK: &str = "/callback/plain";
/// How long an answer to a report is waited for.
const PATIENCE: Duration = Duration::from_secs(3);
/// Before a report that was not acknowledged is posted again.
const PAUSE: Duration = Duration::from_millis(500);
/// For how long a report is posted again.
const INSISTENCE: Duration = Duration::from_secs(120);
/// For how long the answer to a submission waits for the report before it.
const HEAD_START: Duration = Duration::from_millis(500);

/// The ways to name a message to its gateway.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub(super) reference: String,
    pub(super) provider_id: String,
    /// The message's own callback.
    pub(super) callback: Option<String>,
}

/// Posts reports of messages that were taken.
#[derive(Clone, Debug)]
pub(super) struct Reporter {
    dice: Dice,
    ledger: Ledger,
    delivery: SocketAddr,
}

impl Reporter {
    pub(super) fn new(dice: Dice, ledger: Ledger, delivery: SocketAddr) -> Self {
        Self {
            dice,
            ledger,
            delivery,
        }
    }

    /// Message `number` was taken. Returns when the call may be answered.
    pub(super) async fn taken(&self, number: u64, address: Address) {
        let last = Some(is_delivered(self.dice, number));
        let millis = |from: u64, to: u64| from + self.dice.throw("report delay", number, to - from);
        let plan = match Reporting::draw(self.dice, number) {
            Reporting::Soon | Reporting::Early => vec![(millis(30, 400), last)],
            Reporting::Late => vec![(millis(2_000, 5_000), last)],
            Reporting::Twice => vec![(millis(30, 400), last), (millis(400, 900), last)],
            Reporting::OutOfOrder => vec![(millis(30, 200), last), (millis(200, 500), None)],
            Reporting::Never => vec![],
        };
        let is_early = Reporting::draw(self.dice, number) == Reporting::Early;
        for (delay, delivered) in plan {
            let delay = if is_early { 0 } else { delay };
            let posting = self.promise(number, &address, delivered);
            let posted = tokio::spawn(posting.post_after(Duration::from_millis(delay)));
            if is_early {
                let _ = timeout(HEAD_START, posted).await;
            }
        }
    }

    fn promise(&self, number: u64, address: &Address, delivered: Option<bool>) -> Posting {
        let by_provider_id =
            address.reference != address.provider_id && is_named_by_provider_id(self.dice, number);
        let entry = self.ledger.promise(Posted {
            reference: address.reference.clone(),
            provider_id: address.provider_id.clone(),
            by_provider_id,
            delivered,
            acknowledged: None,
            refusals: Vec::new(),
        });
        let status = match delivered {
            None => "buffered",
            Some(true) => "delivered",
            Some(false) => "delivery_failed",
        };
        let mut body = json!({ "status": status, "short_message": "" });
        body["id"] = address.provider_id.clone().into();
        if !by_provider_id {
            body["msg_id"] = address.reference.clone().into();
        }
        if delivered.is_none() {
            // What the receipt of an SMSC says of a message under way.
            body["short_message"] = "id:1 stat:ENROUTE err:000".into();
        }
        let own = address.callback.as_deref().filter(|_| !by_provider_id);
        Posting {
            ledger: self.ledger.clone(),
            entry,
            delivery: self.delivery,
            path: own.map_or(PLAIN_CALLBACK, path_of).to_owned(),
            body: body.to_string().into(),
        }
    }
}

/// The path of an http URL.
fn path_of(url: &str) -> &str {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    rest.find('/').map_or("/", |at| &rest[at..])
}

/// One report on its way.
struct Posting {
    ledger: Ledger,
    entry: usize,
    delivery: SocketAddr,
    path: String,
    body: Bytes,
}

impl Posting {
    /// Posts it until it is acknowledged.
    async fn post_after(self, delay: Duration) {
        sleep(delay).await;
        let started = Instant::now();
        while started.elapsed() < INSISTENCE {
            let mut connection = Connection::new(self.delivery);
            let posted = connection.send(Method::POST, &self.path, self.body.clone());
            if let Ok(Ok((status, _))) = timeout(PATIENCE, posted).await {
                self.ledger.answered(self.entry, status.as_u16());
                if status.is_success() {
                    return;
                }
            }
            sleep(PAUSE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_callback_is_found() {
        assert_eq!(
            path_of("http://127.0.0.1:80/callback/a/b/c"),
            "/callback/a/b/c"
        );
        assert_eq!(path_of("http://127.0.0.1:80"), "/");
    }
}
