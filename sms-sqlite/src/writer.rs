//! The thread that writes.
//!
//! It takes whatever has queued up while it was busy, does all of it in one transaction, and
//! answers when the disk has it. So a lone call is not delayed, and many calls share the cost of
//! one commit.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};
use sms_core::StoreError;
use tokio::sync::{mpsc, oneshot};

use crate::buckets::Buckets;
use crate::error::Failure;
use crate::transaction::Writing;
use crate::{shared::Shared, vacuum};

/// Calls that wait for the thread; further ones wait outside.
const QUEUE: usize = 1_024;

/// A transaction takes no further call once it has so many items: more would only delay the
/// answers, the cost of the commit being spread thin enough already.
const ITEMS: usize = 512;

/// From this many items on a transaction counts as large.
const CROWD: usize = 16;

/// How long a transaction waits for the callers of a large one before it: about what a flush of
/// a fast disk takes.
const GATHERING: Duration = Duration::from_micros(200);

/// Does its work inside a transaction; called again if that transaction was rolled back.
type Work<T> = Box<dyn FnMut(&mut Writing<'_>) -> Result<T, Failure> + Send>;

/// Hands calls to the thread.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: Option<mpsc::Sender<Box<dyn Call>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(
        connection: Connection,
        buckets: Buckets,
        shared: Arc<Shared>,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let committer = Committer {
            connection,
            buckets,
            shared,
        };
        let thread = thread::Builder::new()
            .name("sms-sqlite-write".into())
            .spawn(move || committer.serve(receiver))?;
        Ok(Self {
            queue: Some(sender),
            thread: Some(thread),
        })
    }

    /// Has work about so many items done and committed.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        items: usize,
        work: impl FnMut(&mut Writing<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let closed = || Arc::new(Failure::Closed).during(doing);
        let (reply, answer) = oneshot::channel();
        let call = Pending {
            work: Box::new(work) as Work<T>,
            done: None,
            items,
            doing,
            reply,
        };
        let queue = self.queue.as_ref().ok_or_else(closed)?;
        queue.send(Box::new(call)).await.map_err(|_| closed())?;
        let (answer, _work) = answer.await.map_err(|_| closed())?;
        answer
    }
}

impl Drop for Writer {
    /// Waits until what was handed over is done and the file is closed.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported already, by the thread.
            let _ = thread.join();
        }
    }
}

/// A call that waits for its transaction.
trait Call: Send {
    fn items(&self) -> usize;
    fn run(&mut self, writing: &mut Writing<'_>) -> Result<(), Failure>;
    /// Tells the caller what became of the transaction. The caller may be gone.
    fn answer(self: Box<Self>, outcome: Result<(), Arc<Failure>>);
}

struct Pending<T> {
    work: Work<T>,
    done: Option<T>,
    items: usize,
    doing: &'static str,
    /// Takes the work back, too: its caller frees what it holds, not the thread that all wait for.
    reply: oneshot::Sender<(Result<T, StoreError>, Work<T>)>,
}

impl<T: Send> Call for Pending<T> {
    fn items(&self) -> usize {
        self.items
    }

    fn run(&mut self, writing: &mut Writing<'_>) -> Result<(), Failure> {
        self.done = Some((self.work)(writing)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), Arc<Failure>>) {
        let Self {
            work,
            done,
            doing,
            reply,
            ..
        } = *self;
        let answer = match (outcome, done) {
            (Ok(()), Some(done)) => Ok(done),
            (Ok(()), None) => Err(Arc::new(Failure::Closed).during(doing)),
            (Err(failure), _) => Err(failure.during(doing)),
        };
        let _ = reply.send((answer, work));
    }
}

/// What the thread has.
struct Committer {
    connection: Connection,
    buckets: Buckets,
    shared: Arc<Shared>,
}

impl Committer {
    fn serve(mut self, mut queue: mpsc::Receiver<Box<dyn Call>>) {
        let mut earlier = 0;
        while let Some(first) = queue.blocking_recv() {
            let expected = if earlier < CROWD { 0 } else { earlier };
            let batch = gather(first, &mut queue, expected.min(ITEMS));
            earlier = batch.iter().map(|call| call.items()).sum();
            self.finish(batch);
        }
    }

    /// Does the calls together; one by one if that fails, so that a call which cannot succeed,
    /// or for which the disk has no room, does not take the others with it.
    fn finish(&mut self, mut batch: Vec<Box<dyn Call>>) {
        match self.commit(&mut batch) {
            Ok(()) => answer_all(batch, Ok(())),
            Err(failure) if batch.len() == 1 => answer_all(batch, Err(Arc::new(failure))),
            Err(_) => {
                for call in batch {
                    let mut alone = vec![call];
                    let outcome = self.commit(&mut alone).map_err(Arc::new);
                    answer_all(alone, outcome);
                }
            }
        }
    }

    fn commit(&mut self, batch: &mut [Box<dyn Call>]) -> Result<(), Failure> {
        let behavior = TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        let mut writing = Writing::new(&transaction, self.buckets);
        for call in batch {
            call.run(&mut writing)?;
        }
        let effects = writing.finish()?;
        transaction.commit()?;
        self.buckets = effects.buckets;
        self.shared.add_parked(effects.parked);
        if effects.removed > 0 {
            vacuum::give_back(&self.connection);
        }
        Ok(())
    }
}

/// Takes what waits. After a large transaction its callers are about to call again, one after
/// the other: what they have to say is waited for, or the first of them would get a flush of the
/// disk for itself, and the others wait for that instead.
fn gather(
    first: Box<dyn Call>,
    queue: &mut mpsc::Receiver<Box<dyn Call>>,
    expected: usize,
) -> Vec<Box<dyn Call>> {
    let until = Instant::now() + GATHERING;
    let mut items = first.items();
    let mut batch = vec![first];
    loop {
        while items < ITEMS {
            let Ok(next) = queue.try_recv() else { break };
            items += next.items();
            batch.push(next);
        }
        if items >= expected || Instant::now() >= until {
            return batch;
        }
        thread::sleep(GATHERING / 8);
    }
}

fn answer_all(batch: Vec<Box<dyn Call>>, outcome: Result<(), Arc<Failure>>) {
    if let Err(failure) = &outcome {
        tracing::warn!(calls = batch.len(), error = %failure, "a transaction was rolled back");
    }
    for call in batch {
        call.answer(outcome.clone());
    }
}
