//! Copying the write-ahead log into the file.
//!
//! The thread that writes could do it, as SQLite would have it, but everyone would wait for the
//! tens of milliseconds that it takes. So another thread copies while more is being written, and
//! the one that writes only copies the rest, a few pages, after which the log begins anew: that
//! it can do between two transactions only.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::hooks::Wal;
use rusqlite::{Connection, Result};

/// The log is copied when it has so many pages, about 16 MB: rarely enough that a page which
/// changes often is copied once for many changes.
const BEGIN: i32 = 4_000;

/// A log of so many pages, about 64 MB, is copied by the thread that writes, which slows the
/// callers down: the other thread cannot keep up with them.
const TOO_LONG: i32 = 4 * BEGIN;

/// How often the log is copied on end. What was written during the first time is far less, and is
/// copied the second time, so that little is left to the thread that writes.
const TIMES: usize = 2;

/// How long a failure is left alone: a full disk is not emptier after a millisecond.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, PartialEq)]
enum Order {
    Copy,
    Stop,
}

/// The thread that copies.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    orders: SyncSender<Order>,
    copied: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub(crate) fn start(connection: Connection) -> std::io::Result<Self> {
        // One order is enough: a second one would ask for the same.
        let (orders, receiver) = sync_channel(1);
        let copied = Arc::new(AtomicBool::new(false));
        let thread = thread::Builder::new()
            .name("sms-sqlite-log".into())
            .spawn({
                let copied = Arc::clone(&copied);
                move || serve(&connection, &receiver, &copied)
            })?;
        Ok(Self {
            orders,
            copied,
            thread: Some(thread),
        })
    }

    /// Has this connection's commits looked at: its log is copied from now on.
    pub(crate) fn watch(&self, writing: &mut Connection) -> Result<()> {
        let orders = self.orders.clone();
        let copied = Arc::clone(&self.copied);
        let mut copying = false;
        let after_commit = move |log: &mut Wal, pages: i32| {
            if copied.swap(false, Ordering::AcqRel) {
                copying = false;
                finish(log);
            } else if pages >= TOO_LONG {
                finish(log);
            } else if pages >= BEGIN && !copying {
                copying = orders.try_send(Order::Copy).is_ok();
            }
            // The commit is done, whatever becomes of the log.
            Ok(())
        };
        writing.wal_hook(Some(after_commit))
    }
}

impl Drop for Checkpointer {
    /// Waits until the thread has closed its connection.
    fn drop(&mut self) {
        // Fails only if the thread is gone.
        let _ = self.orders.send(Order::Stop);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported already, by the thread.
            let _ = thread.join();
        }
    }
}

fn serve(connection: &Connection, orders: &Receiver<Order>, copied: &AtomicBool) {
    while let Ok(Order::Copy) = orders.recv() {
        if let Err(error) = (0..TIMES).try_for_each(|_| copy(connection)) {
            tracing::warn!(%error, "the write-ahead log grows: it cannot be copied");
            // Nothing else is ordered before this order is done.
            if orders.recv_timeout(PAUSE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
        // Even after a failure: the thread that writes orders again.
        copied.store(true, Ordering::Release);
    }
}

/// Copies what is in the log at this moment and no reader still needs, and flushes the file.
fn copy(connection: &Connection) -> Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

/// Copies the rest. Fails when a reader holds it up, or the other thread is at it: then there is
/// a next time.
fn finish(log: &mut Wal) {
    if let Err(error) = log.checkpoint() {
        tracing::debug!(%error, "the rest of the write-ahead log is copied later");
    }
}
