//! Keeps a connection to the broker, for ever.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::address::Address;
use crate::backoff::Backoff;
use crate::error::Fault;
use crate::link::Link;
use crate::shared::Shared;

/// A connection that lived so long was well; the next failure starts with short waits again.
const WELL: Duration = Duration::from_secs(10);
/// Nobody repairs a password within seconds, and brokers log every attempt.
const AFTER_REFUSAL: Duration = Duration::from_secs(10);

/// A long outage is logged so often.
const SAY_AGAIN: Duration = Duration::from_secs(60);

/// Goes on from what came of the first attempt.
pub(crate) async fn supervise(
    shared: Arc<Shared>,
    address: Address,
    first: Result<Arc<Link>, Fault>,
) {
    let mut attempt = first;
    let mut backoff = Backoff::new();
    let mut said: Option<Instant> = None;
    for generation in 2.. {
        let started = Instant::now();
        let fault = match attempt {
            Ok(link) => {
                said = None;
                info!(%address, "connected to the broker");
                let fault = link.watch(&shared.options).await;
                shared.down(&fault);
                fault
            }
            Err(fault) => fault,
        };
        if said.is_none_or(|said| said.elapsed() > SAY_AGAIN) {
            said = Some(Instant::now());
            warn!(%address, %fault, "no connection to the broker; trying again and again");
        }
        if started.elapsed() > WELL {
            backoff = Backoff::new();
        }
        let wait = match fault.is_refusal() {
            true => AFTER_REFUSAL,
            false => backoff.next(&shared.entropy),
        };
        sleep(wait).await;
        let opened = Link::open(generation, &address, &shared.options).await;
        attempt = shared.note(opened);
    }
}
