//! Which deliveries are in hand, and what acknowledges them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lapin::Acker;
use sms_core::Receipt;

/// Every delivery that was neither acknowledged nor lost with its channel.
///
/// A receipt is the number of a subscription, never used twice, and the broker's tag of the
/// delivery on the channel of that subscription. One that is not found here belongs to a channel
/// that is gone, or was acknowledged before: telling the broker would close the channel.
#[derive(Debug, Default)]
pub(crate) struct Receipts(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    latest: u64,
    by_subscription: HashMap<u64, HashMap<u64, Acker>>,
}

impl Receipts {
    /// Opens the book of a new subscription, under a number of its own.
    pub(crate) fn open(&self) -> u64 {
        let mut open = self.lock();
        open.latest += 1;
        let subscription = open.latest;
        open.by_subscription.insert(subscription, HashMap::new());
        subscription
    }

    /// Forgets a subscription whose channel is gone.
    pub(crate) fn close(&self, subscription: u64) {
        self.lock().by_subscription.remove(&subscription);
    }

    pub(crate) fn add(&self, subscription: u64, tag: u64, acker: Acker) -> Receipt {
        if let Some(ackers) = self.lock().by_subscription.get_mut(&subscription) {
            ackers.insert(tag, acker);
        }
        Receipt((u128::from(subscription) << 64) | u128::from(tag))
    }

    /// How many deliveries of a subscription are in hand.
    pub(crate) fn in_hand(&self, subscription: u64) -> usize {
        let open = self.lock();
        open.by_subscription
            .get(&subscription)
            .map_or(0, HashMap::len)
    }

    /// Takes what acknowledges these; receipts that are not known are passed over.
    pub(crate) fn take(&self, receipts: &[Receipt]) -> Vec<Acker> {
        let mut open = self.lock();
        receipts
            .iter()
            .filter_map(|receipt| {
                let (subscription, tag) = split(receipt);
                open.by_subscription.get_mut(&subscription)?.remove(&tag)
            })
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // What is guarded here is whole between any two statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Subscription and tag.
pub(crate) fn split(receipt: &Receipt) -> (u64, u64) {
    #[allow(clippy::cast_possible_truncation)] // The lower half is what is wanted.
    let tag = receipt.0 as u64;
    (u64::try_from(receipt.0 >> 64).unwrap_or(0), tag)
}
