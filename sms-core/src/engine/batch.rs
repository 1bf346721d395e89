//! Gathering single calls into calls over many items, without delaying a lone one.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::sync::oneshot;
use tokio::task::yield_now;

/// What is done with the items of a batch.
#[async_trait]
pub(super) trait Work: Send + Sync + 'static {
    type Item: Send + 'static;
    type Answer: Send + 'static;

    /// Does a batch; one answer for each item, in order.
    async fn run(&self, items: Vec<Self::Item>) -> Vec<Self::Answer>;
}

/// With so few items under way another batch begins for what comes: at a low rate nobody waits for
/// the round trip of somebody else. Under load there are more, and this has no effect.
const FEW: usize = 6;

/// Gathers items while earlier batches are under way. An item that finds fewer than
/// `concurrency` of them, or only a few items in them, starts a batch, which takes in what the
/// tasks have that are ready at that moment. So a lone item is not delayed, and under load batches
/// grow by themselves.
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
    /// How many batches are under way.
    batches: usize,
    /// How many items these have.
    under_way: usize,
    /// Whether a runner was started that has yet to take its first batch.
    is_starting: bool,
}

type Waiting<W> = (<W as Work>::Item, oneshot::Sender<<W as Work>::Answer>);

impl<W: Work> Batcher<W> {
    /// Batches of at most `most` items, at most `concurrency` of them at a time, or a few more
    /// while they have only a few items.
    pub(super) fn new(work: W, most: usize, concurrency: usize) -> Self {
        let pending = Pending {
            items: Vec::new(),
            batches: 0,
            under_way: 0,
            is_starting: false,
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
        if !pending.is_starting && self.shared.has_room(&pending) {
            pending.is_starting = true;
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

    /// Whether one more batch may be under way.
    fn has_room(&self, pending: &Pending<W>) -> bool {
        pending.batches < self.concurrency || pending.under_way < FEW
    }

    /// The first batch of a runner.
    fn first(&self) -> Option<Vec<Waiting<W>>> {
        let mut pending = self.lock();
        pending.is_starting = false;
        self.take(&mut pending)
    }

    /// The next batch of a runner whose batch of so many items has ended.
    fn next(&self, ended: usize) -> Option<Vec<Waiting<W>>> {
        let mut pending = self.lock();
        pending.batches -= 1;
        pending.under_way -= ended;
        self.take(&mut pending)
    }

    /// A batch of what waits. None if nothing does, or if the batches under way leave no room:
    /// the runner of one of them takes it when that has ended.
    fn take(&self, pending: &mut Pending<W>) -> Option<Vec<Waiting<W>>> {
        if pending.items.is_empty() || !self.has_room(pending) {
            return None;
        }
        let rest = pending.items.split_off(self.most.min(pending.items.len()));
        let batch = std::mem::replace(&mut pending.items, rest);
        pending.batches += 1;
        pending.under_way += batch.len();
        Some(batch)
    }
}

async fn run<W: Work>(shared: Arc<Shared<W>>) {
    // Tasks that are ready at this moment may have items, too; the scheduler would run this one
    // before them.
    yield_now().await;
    let mut next = shared.first();
    while let Some(batch) = next {
        let count = batch.len();
        let (items, senders): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        // Those whose work panicked learn it by their channel. The others must not wait for the
        // next item to come.
        let answers = AssertUnwindSafe(shared.work.run(items)).catch_unwind();
        for (sender, answer) in senders.into_iter().zip(answers.await.unwrap_or_default()) {
            // Whoever asked may have gone.
            let _ = sender.send(answer);
        }
        next = shared.next(count);
    }
}

impl<W: Work> fmt::Debug for Batcher<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batcher").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

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
        Batcher::new(Sizes(tokio::sync::Semaphore::new(0)), 10, 1)
    }

    /// Lets every runner go on as far as it can: each waits a turn before it begins.
    async fn settle() {
        for _ in 0..3 {
            yield_now().await;
        }
    }

    /// Adds items one after the other, each when what the others began is under way.
    async fn add(batcher: &Batcher<Sizes>, count: usize) -> Vec<oneshot::Receiver<usize>> {
        let mut answers = Vec::new();
        for _ in 0..count {
            answers.push(batcher.add(()));
            settle().await;
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
        let lone = add(&batcher, FEW).await;
        let crowd = add(&batcher, 11).await;
        batcher.shared.work.0.add_permits(FEW + 2);
        assert_eq!(sizes(lone).await, [1; FEW]);
        assert_eq!(sizes(crowd).await, [vec![10; 10], vec![1]].concat());
    }

    #[tokio::test]
    async fn once_batches_have_grown_no_more_are_under_way_than_allowed() {
        let batcher = held_up();
        let lone = add(&batcher, FEW).await;
        let crowd = add(&batcher, 20).await;
        batcher.shared.work.0.add_permits(FEW);
        assert_eq!(sizes(lone).await, [1; FEW]);
        settle().await;
        assert_eq!(batcher.shared.lock().batches, 1);
        let late = add(&batcher, 1).await;
        assert_eq!(batcher.shared.lock().batches, 1);
        batcher.shared.work.0.add_permits(3);
        assert_eq!(sizes(crowd).await, [10; 20]);
        assert_eq!(sizes(late).await, [1]);
    }

    /// Or the first of them would be sent alone, and the others by runners of their own.
    #[tokio::test]
    async fn items_that_come_at_once_make_one_batch() {
        let batcher = held_up();
        let crowd: Vec<_> = (0..5).map(|_| batcher.add(())).collect();
        batcher.shared.work.0.add_permits(1);
        assert_eq!(sizes(crowd).await, [5; 5]);
    }

    /// On one thread the runner that the first of them starts would come before the others.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn items_of_tasks_that_are_ready_at_once_make_one_batch() {
        let batcher = Arc::new(held_up());
        batcher.shared.work.0.add_permits(5);
        let crowd = tokio::spawn(async move {
            let add = async |batcher: Arc<Batcher<Sizes>>| batcher.add(()).await.unwrap();
            let tasks: Vec<_> = (0..5)
                .map(|_| tokio::spawn(add(Arc::clone(&batcher))))
                .collect();
            join_all(tasks).await
        });
        let sizes: Vec<usize> = crowd
            .await
            .unwrap()
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert_eq!(sizes, [5; 5]);
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
        let panics: Vec<_> = (0..FEW).map(|_| batcher.add(true)).collect();
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
        settle().await;
        assert!(shared.upgrade().is_none());
    }
}
