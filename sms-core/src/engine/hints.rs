//! Telling the queue that messages wait, many in one hint.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tracing::warn;

use super::batch::{Batcher, Work};
use super::{Observation, Observer};
use crate::{Hint, MessageId, Priority, ProviderName, Queue};

/// The most messages that one hint names. A worker that dies with a hint in hand delays no more
/// than these.
const IDS_PER_HINT: usize = 64;
/// The most hints that wait for a queue that does not answer; about 10 MB. What comes beyond
/// that is dropped: the deadlines in the store bring it back.
const MOST_WAITING: usize = 100_000;

/// Gathers hints on their way to the queue. A hint that fails is not repeated here: the deadline
/// of its message brings it back.
#[derive(Debug)]
pub(super) struct Hinter {
    pushes: Batcher<Push>,
    waiting: Arc<AtomicUsize>,
}

impl Hinter {
    pub(super) fn new(queue: Arc<dyn Queue>, observer: Arc<dyn Observer>) -> Self {
        let waiting = Arc::new(AtomicUsize::new(0));
        let push = Push {
            queue,
            observer,
            waiting: Arc::clone(&waiting),
        };
        Self {
            // One at a time: hints of a route keep their order.
            pushes: Batcher::new(push, 4_096, 1),
            waiting,
        }
    }

    pub(super) fn add(&self, hint: Hint) {
        if self.waiting.load(Ordering::Relaxed) < MOST_WAITING {
            self.waiting.fetch_add(1, Ordering::Relaxed);
            drop(self.pushes.add(hint));
        }
    }
}

#[derive(Debug)]
struct Push {
    queue: Arc<dyn Queue>,
    observer: Arc<dyn Observer>,
    waiting: Arc<AtomicUsize>,
}

#[async_trait]
impl Work for Push {
    type Item = Hint;
    type Answer = ();

    async fn run(&self, hints: Vec<Hint>) -> Vec<()> {
        let count = hints.len();
        if let Err(error) = self.queue.push(gathered(hints)).await {
            warn!(
                %error,
                messages = count,
                "hints were lost; their messages go out when their deadlines pass"
            );
            self.observer
                .observe(&Observation::HintsLost { messages: count });
        }
        self.waiting.fetch_sub(count, Ordering::Relaxed);
        vec![(); count]
    }
}

/// Joins hints of one route and priority, in the order in which they came.
fn gathered(hints: Vec<Hint>) -> Vec<Hint> {
    let mut by_lane: BTreeMap<(ProviderName, Priority), Vec<MessageId>> = BTreeMap::new();
    for hint in hints {
        let lane = by_lane.entry((hint.route, hint.priority)).or_default();
        lane.extend(hint.ids);
    }
    by_lane
        .into_iter()
        .flat_map(|((route, priority), ids)| {
            ids.chunks(IDS_PER_HINT)
                .map(|ids| Hint {
                    route: route.clone(),
                    priority,
                    ids: ids.to_vec(),
                })
                .collect::<Vec<_>>()
        })
        .collect()
}
