//! Gathering single calls into calls over many items, without delaying a lone one.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::sync::oneshot;

/// What is done with the items of a batch.
#[async_trait]
pub(super) trait Work: Send + Sync + 'static {
    type Item: Send + 'static;
    type Answer: Send + 'static;

    /// Does a batch; one answer for each item, in order.
    async fn run(&self, items: Vec<Self::Item>) -> Vec<Self::Answer>;
}

/// The most items of a batch that counts as small: gathering has gained nothing with it.
const SMALL: usize = 2;

/// How many batches may be under way at a time while they are small. At a low rate nobody then
/// waits for the round trip of somebody else; under load batches are large, and this has no effect.
const SMALL_AT_ONCE: usize = 6;

/// Gathers items while earlier batches are under way. An item that finds fewer than
/// `concurrency` of them, or only a few small ones, starts a batch at once; so a lone item is not
/// delayed, and under load batches grow by themselves.
pub(super) struct Batcher<W: Work> {
    shared: Arc<Shared<W>>,
}

struct Shared<W: Work> {
    work: W,
    most: usize,
    concurrency: usize,
    pending: Mutex<Pending<W>>,
}

struct Pending<W: Work> {
    items: Vec<Waiting<W>>,
    running: usize,
    /// How many items the latest batch had.
    latest: usize,
}

type Waiting<W> = (<W as Work>::Item, oneshot::Sender<<W as Work>::Answer>);

impl<W: Work> Batcher<W> {
    /// Batches of at most `most` items, at most `concurrency` of them at a time, or a few more
    /// while they are small.
    pub(super) fn new(work: W, most: usize, concurrency: usize) -> Self {
        let pending = Pending {
            items: Vec::new(),
            running: 0,
            latest: 0,
        };
        Self {
            shared: Arc::new(Shared {
                work,
                most,
                concurrency,
                pending: Mutex::new(pending),
            }),
        }
    }

    /// Adds an item; the answer comes through the receiver. Dropping the receiver does not take
    /// the item back. The receiver fails only if the work panicked.
    pub(super) fn add(&self, item: W::Item) -> oneshot::Receiver<W::Answer> {
        let (sender, receiver) = oneshot::channel();
        let mut pending = self.shared.lock();
        pending.items.push((item, sender));
        if pending.running < self.shared.at_once(pending.latest) {
            pending.running += 1;
            drop(pending);
            tokio::spawn(run(Arc::clone(&self.shared)));
        }
        receiver
    }
}

impl<W: Work> Shared<W> {
    fn lock(&self) -> MutexGuard<'_, Pending<W>> {
        // Nothing panics while it is held.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many batches may be under way, the latest of them having had so many items.
    fn at_once(&self, latest: usize) -> usize {
        if latest <= SMALL {
            self.concurrency.max(SMALL_AT_ONCE)
        } else {
            self.concurrency
        }
    }

    /// The next batch; none when there is nothing left, or batches have grown and others are under
    /// way that take the rest, and the runner is counted out.
    fn next(&self) -> Option<Vec<Waiting<W>>> {
        let mut pending = self.lock();
        let is_surplus = pending.running > self.at_once(pending.latest);
        if pending.items.is_empty() || is_surplus {
            pending.running -= 1;
            return None;
        }
        pending.latest = pending.items.len().min(self.most);
        if pending.items.len() <= self.most {
            return Some(std::mem::take(&mut pending.items));
        }
        let rest = pending.items.split_off(self.most);
        Some(std::mem::replace(&mut pending.items, rest))
    }
}

async fn run<W: Work>(shared: Arc<Shared<W>>) {
    while let Some(batch) = shared.next() {
        let (items, senders): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        // Those whose work panicked learn it by their channel. The others must not wait for the
        // next item to come.
        let Ok(answers) = AssertUnwindSafe(shared.work.run(items))
            .catch_unwind()
            .await
        else {
            continue;
        };
        for (sender, answer) in senders.into_iter().zip(answers) {
            // Whoever asked may have gone.
            let _ = sender.send(answer);
        }
    }
}

impl<W: Work> fmt::Debug for Batcher<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batcher").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Does as many batches as there are permits.
    struct Sizes(tokio::sync::Semaphore);

    #[async_trait]
    impl Work for Sizes {
        type Item = ();
        type Answer = usize;

        async fn run(&self, items: Vec<()>) -> Vec<usize> {
            self.0.acquire().await.unwrap().forget();
            vec![items.len(); items.len()]
        }
    }

    fn held_up() -> Batcher<Sizes> {
        Batcher::new(Sizes(tokio::sync::Semaphore::new(0)), 3, 1)
    }

    /// Adds items one after the other, each when what the others began is under way.
    async fn add(batcher: &Batcher<Sizes>, count: usize) -> Vec<oneshot::Receiver<usize>> {
        let mut answers = Vec::new();
        for _ in 0..count {
            answers.push(batcher.add(()));
            tokio::task::yield_now().await;
        }
        answers
    }

    async fn sizes(answers: Vec<oneshot::Receiver<usize>>) -> Vec<usize> {
        let mut sizes = Vec::new();
        for answer in answers {
            sizes.push(answer.await.unwrap());
        }
        sizes
    }

    #[tokio::test]
    async fn lone_items_do_not_wait_for_each_other_and_a_crowd_is_gathered() {
        let batcher = held_up();
        let lone = add(&batcher, SMALL_AT_ONCE).await;
        let crowd = add(&batcher, 4).await;
        batcher.shared.work.0.add_permits(SMALL_AT_ONCE + 2);
        assert_eq!(sizes(lone).await, [1; SMALL_AT_ONCE]);
        assert_eq!(sizes(crowd).await, [3, 3, 3, 1]);
    }

    #[tokio::test]
    async fn once_batches_have_grown_no_more_are_under_way_than_allowed() {
        let batcher = held_up();
        let lone = add(&batcher, SMALL_AT_ONCE).await;
        let crowd = add(&batcher, 7).await;
        batcher.shared.work.0.add_permits(SMALL_AT_ONCE);
        assert_eq!(sizes(lone).await, [1; SMALL_AT_ONCE]);
        tokio::task::yield_now().await;
        assert_eq!(batcher.shared.lock().running, 1);
        batcher.shared.work.0.add_permits(3);
        assert_eq!(sizes(crowd).await, [3, 3, 3, 3, 3, 3, 1]);
    }

    struct Panics;

    #[async_trait]
    impl Work for Panics {
        type Item = bool;
        type Answer = ();

        async fn run(&self, items: Vec<bool>) -> Vec<()> {
            assert!(!items.contains(&true), "told to");
            vec![(); items.len()]
        }
    }

    #[tokio::test]
    async fn a_panic_in_the_work_does_not_stop_later_batches() {
        let batcher = Batcher::new(Panics, 10, 1);
        assert!(batcher.add(true).await.is_err());
        assert_eq!(batcher.add(false).await, Ok(()));
    }

    /// They would wait for a later item to start a batch, and there may be none.
    #[tokio::test]
    async fn what_gathered_behind_a_panic_is_still_done() {
        let batcher = Batcher::new(Panics, 1, 1);
        let panics: Vec<_> = (0..SMALL_AT_ONCE).map(|_| batcher.add(true)).collect();
        let waiting = batcher.add(false);
        for panics in panics {
            assert!(panics.await.is_err());
        }
        assert_eq!(waiting.await, Ok(()));
    }

    #[tokio::test]
    async fn the_work_is_freed_with_the_batcher() {
        let batcher = Batcher::new(Panics, 10, 1);
        assert_eq!(batcher.add(false).await, Ok(()));
        let shared = Arc::downgrade(&batcher.shared);
        drop(batcher);
        // The runner ends after it has answered.
        tokio::task::yield_now().await;
        assert!(shared.upgrade().is_none());
    }
}
