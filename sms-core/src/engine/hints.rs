//! Telling the queue that messages wait, many in one hint.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::sleep;
use tracing::{debug, warn};

use super::batch::{Batcher, Work};
use super::{Observation, Observer};
use crate::{Hint, MessageId, Priority, ProviderName, Queue};

/// The most messages that one hint names. A worker that dies with a hint in hand delays no more
/// than these.
const IDS_PER_HINT: usize = 64;
/// The most messages whose hints wait for a queue that does not answer; their ids are a few
/// megabytes. What comes beyond that is dropped: the deadlines in the store bring it back.
const MOST_WAITING: usize = 100_000;
/// The pauses before a queue that failed is offered the same hints again.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The most hints that are offered again in one call.
const OFFERED_AT_ONCE: usize = 64;

/// Gathers hints on their way to the queue. Those that the queue does not take are offered again
/// until it does, so that everything flows as soon as the queue is back. Those of a process that
/// dies meanwhile come back with the deadlines of their messages.
#[derive(Debug)]
pub(super) struct Hinter {
    pushes: Batcher<Push>,
    waiting: Arc<AtomicUsize>,
}

impl Hinter {
    pub(super) fn new(queue: Arc<dyn Queue>, observer: Arc<dyn Observer>) -> Self {
        let waiting = Arc::new(AtomicUsize::new(0));
        let push = Push {
            queue: Arc::clone(&queue),
            observer,
            refused: Arc::new(Refused {
                queue,
                waiting: Arc::clone(&waiting),
                hints: Mutex::default(),
            }),
        };
        Self {
            // One at a time: hints of a route keep their order, but for those of a lone message.
            pushes: Batcher::new(push, 4_096, 1),
            waiting,
        }
    }

    pub(super) fn add(&self, hint: Hint) {
        if self.waiting.load(Ordering::Relaxed) < MOST_WAITING {
            self.waiting.fetch_add(hint.ids.len(), Ordering::Relaxed);
            drop(self.pushes.add(hint));
        }
    }
}

#[derive(Debug)]
struct Push {
    queue: Arc<dyn Queue>,
    observer: Arc<dyn Observer>,
    refused: Arc<Refused>,
}

#[async_trait]
impl Work for Push {
    type Item = Hint;
    type Answer = ();

    async fn run(&self, hints: Vec<Hint>) -> Vec<()> {
        let count = hints.len();
        let hints = gathered(hints);
        match self.queue.push(hints.clone()).await {
            Ok(()) => self.refused.delivered(&hints),
            Err(error) => {
                let messages = named(&hints);
                warn!(%error, messages, "hints do not reach the queue; they are offered again");
                self.observer.observe(&Observation::HintsLost { messages });
                self.refused.keep(hints);
            }
        }
        vec![(); count]
    }
}

/// The hints that the queue did not take.
#[derive(Debug)]
struct Refused {
    queue: Arc<dyn Queue>,
    /// Messages named by hints on their way, among them these.
    waiting: Arc<AtomicUsize>,
    hints: Mutex<Offered>,
}

#[derive(Debug, Default)]
struct Offered {
    hints: Vec<Hint>,
    /// Whether a task is at it.
    under_way: bool,
}

impl Refused {
    fn delivered(&self, hints: &[Hint]) {
        self.waiting.fetch_sub(named(hints), Ordering::Relaxed);
    }

    fn keep(self: &Arc<Self>, hints: Vec<Hint>) {
        let mut offered = self.lock();
        offered.hints.extend(hints);
        if !std::mem::replace(&mut offered.under_way, true) {
            // It ends with the engine, whether the queue comes back or not.
            tokio::spawn(offer_again(Arc::downgrade(self)));
        }
    }

    /// Offers everything once more; whether all is over.
    async fn offer(&self) -> bool {
        let hints = gathered(std::mem::take(&mut self.lock().hints));
        let mut refused = Vec::new();
        // One route that the queue does not take holds up no other.
        for hints in hints.chunk_by(|one, next| one.route == next.route) {
            let mut parts = hints.chunks(OFFERED_AT_ONCE);
            for part in parts.by_ref() {
                if let Err(error) = self.queue.push(part.to_vec()).await {
                    debug!(%error, "hints wait for the queue");
                    refused.extend_from_slice(part);
                    break;
                }
                self.delivered(part);
            }
            refused.extend(parts.flatten().cloned());
        }
        let mut offered = self.lock();
        offered.hints.extend(refused);
        offered.under_way = !offered.hints.is_empty();
        !offered.under_way
    }

    fn lock(&self) -> MutexGuard<'_, Offered> {
        // Nothing panics while it is held.
        self.hints.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn offer_again(refused: Weak<Refused>) {
    let mut pause = FIRST_PAUSE;
    loop {
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        let Some(refused) = refused.upgrade() else {
            return;
        };
        if refused.offer().await {
            return;
        }
    }
}

/// How many messages the hints name.
fn named(hints: &[Hint]) -> usize {
    hints.iter().map(|hint| hint.ids.len()).sum()
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
