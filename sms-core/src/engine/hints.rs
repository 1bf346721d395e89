//! Telling the queue that messages wait, many in one hint.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::time::sleep;
use tracing::{debug, warn};

use super::batch::{Batcher, Work};
use super::pulse::{Part, Pulse};
use super::{Observation, Observer};
use crate::{Hint, MessageId, Priority, ProviderName, Queue, QueueError};

/// The most messages that one hint names. A worker that dies with a hint in hand delays no more
/// than these. Routes with a throughput have less in one: see [`Route::at_once`].
///
/// [`Route::at_once`]: super::route::Route::at_once
pub(super) const IDS_PER_HINT: usize = 64;
/// The most messages whose hints wait for a queue that does not answer; their ids are a few
/// megabytes. What comes beyond that is dropped: the deadlines in the store bring it back.
const MOST_WAITING: usize = 100_000;
/// The pauses before a queue that failed is offered the same hints again.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The most hints that are offered again in one call.
const OFFERED_AT_ONCE: usize = 64;

/// What hints are made of, and who is told of them.
#[derive(Debug)]
pub(super) struct Hinting {
    pub(super) queue: Arc<dyn Queue>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) pulse: Arc<Pulse>,
    /// How many messages one hint of a route names at most.
    pub(super) ids_per_hint: BTreeMap<ProviderName, usize>,
}

/// Gathers hints on their way to the queue. Those that the queue does not take are offered again
/// until it does, so that everything flows as soon as the queue is back. Those of a process that
/// dies meanwhile come back with the deadlines of their messages.
#[derive(Debug)]
pub(super) struct Hinter {
    pushes: Batcher<Push>,
    places: Arc<Places>,
}

impl Hinter {
    pub(super) fn new(hinting: Hinting) -> Self {
        let places = Arc::new(Places {
            observer: Arc::clone(&hinting.observer),
            taken: AtomicUsize::new(0),
            overflow: AtomicBool::new(false),
        });
        let push = Push {
            refused: Arc::new(Refused {
                hinting,
                places: Arc::clone(&places),
                offered: Mutex::default(),
            }),
        };
        Self {
            // One at a time: hints of a route keep their order, but for those of a lone message.
            pushes: Batcher::new(push, 4_096, 1),
            places,
        }
    }

    pub(super) fn add(&self, hint: Hint) {
        if self.places.take(hint.ids.len()) {
            drop(self.pushes.add(hint));
        }
    }

    /// The same for many; waits until the queue has taken them or refused to for now.
    pub(super) async fn add_all(&self, hints: Vec<Hint>) {
        let fitting = hints
            .into_iter()
            .filter(|hint| self.places.take(hint.ids.len()));
        join_all(fitting.map(|hint| self.pushes.add(hint))).await;
    }
}

/// The places that messages take up while their hints are on their way.
#[derive(Debug)]
struct Places {
    observer: Arc<dyn Observer>,
    taken: AtomicUsize,
    /// It is said in the log once, and not of every message.
    overflow: AtomicBool,
}

impl Places {
    /// Whether there are places for so many messages. Their hints are dropped otherwise.
    fn take(&self, messages: usize) -> bool {
        if self.taken.load(Ordering::Relaxed) < MOST_WAITING {
            self.taken.fetch_add(messages, Ordering::Relaxed);
            return true;
        }
        if !self.overflow.swap(true, Ordering::Relaxed) {
            let waiting = MOST_WAITING;
            warn!(waiting, "hints are dropped: too many wait for the queue");
        }
        self.tell_dropped(messages);
        false
    }

    fn free(&self, messages: usize) {
        let taken = self.taken.fetch_sub(messages, Ordering::Relaxed);
        if taken < MOST_WAITING / 2 {
            self.overflow.store(false, Ordering::Relaxed);
        }
    }

    fn tell_dropped(&self, messages: usize) {
        self.observer
            .observe(&Observation::HintsDropped { messages });
    }
}

/// Hints on their way, with a place for each message. If they go astray, over a panic of the queue
/// or with the engine, their places are free again and the observer is told.
#[derive(Debug)]
struct Parcel {
    hints: Vec<Hint>,
    places: Arc<Places>,
}

impl Parcel {
    fn arrived(mut self) {
        self.places.free(named(&self.hints));
        self.hints.clear();
    }

    /// Takes the hints out; their places stay taken.
    fn unpack(mut self) -> Vec<Hint> {
        std::mem::take(&mut self.hints)
    }

    fn route(&self) -> Option<&ProviderName> {
        self.hints.first().map(|hint| &hint.route)
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        let messages = named(&self.hints);
        if messages > 0 {
            self.places.free(messages);
            self.places.tell_dropped(messages);
        }
    }
}

#[derive(Debug)]
struct Push {
    refused: Arc<Refused>,
}

#[async_trait]
impl Work for Push {
    type Item = Hint;
    type Answer = ();

    async fn run(&self, hints: Vec<Hint>) -> Vec<()> {
        let count = hints.len();
        let refused = &self.refused;
        let parcel = refused.parcel(refused.hinting.gathered(hints));
        if let Err((parcel, error)) = refused.hinting.push(parcel).await {
            let messages = named(&parcel.hints);
            warn!(%error, messages, "hints do not reach the queue; they are offered again");
            let observer = &refused.hinting.observer;
            observer.observe(&Observation::HintsLost { messages });
            refused.keep(parcel);
        }
        vec![(); count]
    }
}

impl Hinting {
    /// Gives hints to the queue; here they are again if it does not take them.
    async fn push(&self, parcel: Parcel) -> Result<(), (Parcel, QueueError)> {
        let pushed = self.queue.push(parcel.hints.clone());
        match self.pulse.during(Part::Hints, pushed).await {
            Ok(()) => {
                parcel.arrived();
                Ok(())
            }
            Err(error) => Err((parcel, error)),
        }
    }

    /// Joins hints of one route and priority, in the order in which they came.
    fn gathered(&self, hints: Vec<Hint>) -> Vec<Hint> {
        let mut by_lane: BTreeMap<(ProviderName, Priority), Vec<MessageId>> = BTreeMap::new();
        for hint in hints {
            let lane = by_lane.entry((hint.route, hint.priority)).or_default();
            lane.extend(hint.ids);
        }
        let mut gathered = Vec::new();
        for ((route, priority), ids) in by_lane {
            let most = self.ids_per_hint.get(&route).copied();
            let chunks = ids.chunks(most.unwrap_or(IDS_PER_HINT));
            gathered.extend(chunks.map(|ids| Hint {
                route: route.clone(),
                priority,
                ids: ids.to_vec(),
            }));
        }
        gathered
    }
}

/// The hints that the queue did not take.
#[derive(Debug)]
struct Refused {
    hinting: Hinting,
    places: Arc<Places>,
    offered: Mutex<Offered>,
}

#[derive(Debug, Default)]
struct Offered {
    parcels: Vec<Parcel>,
    /// Whether a task is at it.
    under_way: bool,
}

impl Refused {
    fn parcel(&self, hints: Vec<Hint>) -> Parcel {
        Parcel {
            hints,
            places: Arc::clone(&self.places),
        }
    }

    fn keep(self: &Arc<Self>, parcel: Parcel) {
        let mut offered = self.lock();
        offered.parcels.push(parcel);
        if !std::mem::replace(&mut offered.under_way, true) {
            // It ends with the engine, whether the queue comes back or not.
            tokio::spawn(offer_again(Offering(Arc::downgrade(self))));
        }
    }

    /// Offers everything once more; whether all is over.
    async fn offer(&self) -> bool {
        let mut refused: Vec<Parcel> = Vec::new();
        // One route that the queue does not take holds up no other.
        let mut refusing = BTreeSet::new();
        for parcel in self.repacked() {
            if parcel.route().is_some_and(|route| refusing.contains(route)) {
                refused.push(parcel);
            } else if let Err((parcel, error)) = self.hinting.push(parcel).await {
                debug!(%error, "hints wait for the queue");
                refusing.extend(parcel.route().cloned());
                refused.push(parcel);
            }
        }
        let mut offered = self.lock();
        offered.parcels.extend(refused);
        offered.under_way = !offered.parcels.is_empty();
        !offered.under_way
    }

    /// All that is to be offered, in parcels of one route and a reasonable size.
    fn repacked(&self) -> Vec<Parcel> {
        let parcels = std::mem::take(&mut self.lock().parcels);
        let hints = parcels.into_iter().flat_map(Parcel::unpack).collect();
        let hints = self.hinting.gathered(hints);
        let by_route = hints.chunk_by(|one, next| one.route == next.route);
        by_route
            .flat_map(|hints| hints.chunks(OFFERED_AT_ONCE))
            .map(|part| self.parcel(part.to_vec()))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Offered> {
        // Nothing panics while it is held.
        self.offered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that offers hints again.
struct Offering(Weak<Refused>);

impl Drop for Offering {
    fn drop(&mut self) {
        // The queue panicked: the next hint that it refuses needs a task of its own.
        if let Some(refused) = self.0.upgrade().filter(|_| std::thread::panicking()) {
            refused.lock().under_way = false;
        }
    }
}

async fn offer_again(offering: Offering) {
    let mut pause = FIRST_PAUSE;
    loop {
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        let Some(refused) = offering.0.upgrade() else {
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

#[cfg(test)]
mod tests;
