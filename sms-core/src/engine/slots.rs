//! Room for submissions: how many one lane has under way, and when they have all ended.

use std::convert::Infallible;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// How many answers may wait for the store, in times the slots, before they keep their slots: so
/// a store that is down stops the work instead of filling memory.
const ANSWERS_PER_SLOT: usize = 4;

/// The slots of a lane: one for each submission that its provider may have under way.
#[derive(Debug, Clone)]
pub(super) struct Slots {
    free: Arc<Semaphore>,
    total: u32,
    /// Room for answers that are not kept yet.
    answers: Arc<Semaphore>,
    under_way: UnderWay,
}

/// Held by whatever must have ended before its lane has.
#[derive(Debug, Clone)]
pub(super) struct UnderWay(
    /// Nothing is ever sent; the channel closes when all are dropped.
    #[expect(dead_code, reason = "held for its drop")]
    mpsc::Sender<Infallible>,
);

/// Tells when everything that a lane has under way has ended.
#[derive(Debug)]
pub(super) struct AllEnded(mpsc::Receiver<Infallible>);

impl AllEnded {
    /// Waits until every [`UnderWay`] of the lane is dropped.
    pub(super) async fn wait(mut self) {
        while self.0.recv().await.is_some() {}
    }
}

/// The right to have one submission under way.
#[derive(Debug)]
pub(super) struct Slot {
    permit: OwnedSemaphorePermit,
    answers: Arc<Semaphore>,
    under_way: UnderWay,
}

/// An answer that is not kept yet.
#[derive(Debug)]
pub(super) struct Answered {
    _permit: OwnedSemaphorePermit,
    _under_way: UnderWay,
}

impl Slot {
    /// Frees the slot once the provider has answered; what is left is to keep the answer.
    pub(super) fn answered(self) -> Answered {
        let room = self.answers.try_acquire_owned();
        Answered {
            _permit: room.unwrap_or(self.permit),
            _under_way: self.under_way,
        }
    }
}

/// Some slots.
#[derive(Debug)]
pub(super) struct Room {
    permits: OwnedSemaphorePermit,
    slots: Slots,
}

impl Slots {
    pub(super) fn new(total: u32) -> (Self, AllEnded) {
        let (under_way, ended) = mpsc::channel(1);
        let answers = ANSWERS_PER_SLOT.saturating_mul(total as usize);
        let slots = Self {
            free: Arc::new(Semaphore::new(total as usize)),
            total,
            answers: Arc::new(Semaphore::new(answers.min(Semaphore::MAX_PERMITS))),
            under_way: UnderWay(under_way),
        };
        (slots, AllEnded(ended))
    }

    /// Keeps the lane from ending.
    pub(super) fn under_way(&self) -> UnderWay {
        self.under_way.clone()
    }

    /// How many are free now.
    pub(super) fn free(&self) -> usize {
        self.free.available_permits()
    }

    /// A slot, if one is free and nobody waits for it.
    pub(super) fn try_one(&self) -> Option<Slot> {
        let permit = Arc::clone(&self.free).try_acquire_owned().ok()?;
        Some(self.slot(permit))
    }

    /// Waits until one slot is free.
    pub(super) async fn one(&self) -> Option<Room> {
        let permits = Arc::clone(&self.free).acquire_owned().await.ok()?;
        Some(self.room(permits))
    }

    /// Waits until nothing is under way, and takes one slot.
    pub(super) async fn only_one(&self) -> Option<Room> {
        let free = Arc::clone(&self.free);
        let mut all = free.acquire_many_owned(self.total).await.ok()?;
        let one = all.split(1)?;
        Some(self.room(one))
    }

    fn room(&self, permits: OwnedSemaphorePermit) -> Room {
        Room {
            permits,
            slots: self.clone(),
        }
    }

    fn slot(&self, permit: OwnedSemaphorePermit) -> Slot {
        Slot {
            permit,
            answers: Arc::clone(&self.answers),
            under_way: self.under_way.clone(),
        }
    }
}

impl Room {
    /// How many slots it has.
    pub(super) fn len(&self) -> usize {
        self.permits.num_permits()
    }

    /// Takes what is free besides, until it has `want`.
    pub(super) fn grow(&mut self, want: usize) {
        let more = want.saturating_sub(self.len()).min(self.slots.free());
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let free = Arc::clone(&self.slots.free);
        // Someone else may have been quicker; the next turn takes what there is then.
        if let Ok(permits) = free.try_acquire_many_owned(more) {
            self.permits.merge(permits);
        }
    }

    /// Takes one slot out; none when it has none left.
    pub(super) fn split_one(&mut self) -> Option<Slot> {
        let permit = self.permits.split(1)?;
        Some(self.slots.slot(permit))
    }
}
