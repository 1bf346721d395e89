//! Putting what waits back in line, after a start over a queue that forgot it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tracing::{error, warn};

use super::Inner;
use super::pulse::Part;
use super::running::Stop;
use crate::{
    Hint, ListFilter, MemoryQueue, Message, MessageId, Priority, ProviderName, Request, State,
};

/// The most messages of one page that is read.
const PAGE: usize = 500;
/// The most messages of one route that are put back in line, as many as the queue in memory holds;
/// their ids take up to 34 MB. Of a longer backlog these are the oldest; the others come back with
/// their deadlines.
const MOST: usize = MemoryQueue::DEFAULT_CAPACITY;
/// How many messages the queue is told of at a time.
const AT_ONCE: usize = 4_096;
/// The pause after the store failed.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);

/// Puts every queued message back in line, the oldest first. It is read whole before that, for a
/// store lists the latest first.
pub(super) async fn hint_all(inner: Arc<Inner>, mut stop: Stop) {
    let Some(backlog) = read(&inner, &mut stop).await else {
        return;
    };
    for (route, waiting) in backlog.0 {
        for some in Vec::from(waiting).rchunks(AT_ONCE) {
            let hints = inner.hints.add_all(hints(&route, some));
            if stop.or(hints).await.is_none() {
                return;
            }
        }
    }
}

/// What is queued; none when told to stop.
async fn read(inner: &Inner, stop: &mut Stop) -> Option<Backlog> {
    let filter = ListFilter {
        states: vec![State::Queued],
        ..ListFilter::default()
    };
    let mut backlog = Backlog::default();
    let mut after = None;
    loop {
        let page = inner.store.list(&filter, after.as_ref(), PAGE);
        let page = inner.pulse.during(Part::Sweep, page);
        match stop.or(page).await? {
            Ok(page) => {
                // What waits for its retry is not in line.
                let ready = |one: &&Message| one.progress.ready_at.is_none();
                let ready = page.messages.iter().filter(ready);
                ready.for_each(|one| backlog.add(&one.request, MOST));
                after = page.next;
                if after.is_none() {
                    return Some(backlog);
                }
            }
            Err(error) if error.is_passing() => {
                warn!(%error, "the backlog waits for the store");
                stop.or(sleep(FAILURE_PAUSE)).await?;
            }
            Err(error) => {
                error!(%error, "the backlog cannot be read; deadlines bring back what is missing");
                return Some(backlog);
            }
        }
    }
}

/// What waits, by route, the latest first.
#[derive(Debug, Default)]
struct Backlog(BTreeMap<ProviderName, VecDeque<(Priority, MessageId)>>);

impl Backlog {
    /// Adds a message that is older than all before. Beyond `most` the latest of its route goes.
    fn add(&mut self, request: &Request, most: usize) {
        let waiting = self.0.entry(request.route.clone()).or_default();
        if waiting.len() >= most {
            waiting.pop_front();
        }
        waiting.push_back((request.priority, request.id));
    }
}

/// Hints of these messages, each of which is older than the ones before it.
fn hints(route: &ProviderName, waiting: &[(Priority, MessageId)]) -> Vec<Hint> {
    let of = |wanted: Priority| {
        let oldest_first = waiting.iter().rev();
        let ids = oldest_first.filter(move |(priority, _)| *priority == wanted);
        ids.map(|(_, id)| *id).collect::<Vec<_>>()
    };
    let hint = |priority| Hint {
        route: route.clone(),
        priority,
        ids: of(priority),
    };
    let hints = Priority::ALL.into_iter().map(hint);
    hints.filter(|hint| !hint.ids.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Callback, Encoding, SystemEntropy, Timestamp, UnknownPolicy};

    fn request(priority: Priority) -> Request {
        let accepted_at = Timestamp::from_millis(1);
        Request {
            id: MessageId::generate(accepted_at, &SystemEntropy),
            tenant: "t".parse().unwrap(),
            to: "+79991234567".parse().unwrap(),
            from: None,
            text: "Hi".parse().unwrap(),
            encoding: Encoding::Gsm7,
            segments: 1,
            priority,
            on_unknown: UnknownPolicy::Hold,
            route: "main".parse().unwrap(),
            callback: Callback::generate(&SystemEntropy),
            accepted_at,
            send_at: None,
            expires_at: accepted_at + Duration::from_secs(60),
            fingerprint: None,
        }
    }

    #[test]
    fn of_a_backlog_that_is_too_long_the_oldest_are_hinted_in_their_order() {
        let mut latest_first: Vec<_> = (0..10).map(|_| request(Priority::Normal)).collect();
        latest_first[8].priority = Priority::Otp;
        let mut backlog = Backlog::default();
        for request in &latest_first {
            backlog.add(request, 5);
        }
        let (route, waiting) = backlog.0.pop_first().unwrap();
        let ids = |at: &[usize]| at.iter().map(|at| latest_first[*at].id).collect::<Vec<_>>();
        let hinted: Vec<_> = hints(&route, &Vec::from(waiting))
            .into_iter()
            .map(|hint| (hint.priority, hint.ids))
            .collect();
        let expected = [
            (Priority::Otp, ids(&[8])),
            (Priority::Normal, ids(&[9, 7, 6, 5])),
        ];
        assert_eq!(hinted, expected);
    }
}
