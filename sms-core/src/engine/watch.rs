//! Following one message live.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::{Engine, Inner};
use crate::{Message, MessageId, StoreError};

/// How many changes wait for a slow watcher. What it misses, it reads from the store.
const BUFFER: usize = 16;

/// Follows one message: its state now, then every change, until it is final.
///
/// Changes made by this process come at once; those made by others are found by looking into the
/// store from time to time.
#[derive(Debug)]
pub struct Watch {
    inner: Arc<Inner>,
    id: MessageId,
    changes: mpsc::Receiver<Message>,
    next: Option<Message>,
    seen: u64,
    ended: bool,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Engine {
    /// Follows a message; none if there is no message of this id.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot tell.
    pub async fn watch(&self, id: MessageId) -> Result<Option<Watch>, StoreError> {
        // Listen first, look after: what changes in between is seen twice, not missed.
        let mut watch = Watch {
            changes: self.inner.watchers.add(id),
            inner: Arc::clone(&self.inner),
            id,
            next: None,
            seen: 0,
            ended: false,
        };
        watch.next = self.message(id).await?;
        Ok(watch.next.is_some().then_some(watch))
    }
}

impl Watch {
    /// The next state of the message: the present one at first, then each change. None after a
    /// final state, or when the message was removed.
    ///
    /// Safe to drop and call again: no change is missed by that.
    pub async fn next(&mut self) -> Option<Result<Message, StoreError>> {
        if self.ended {
            return None;
        }
        loop {
            let message = match self.next.take() {
                Some(message) => message,
                None => match self.change().await {
                    Ok(Some(message)) => message,
                    Ok(None) => {
                        self.ended = true;
                        return None;
                    }
                    Err(error) => return Some(Err(error)),
                },
            };
            if message.progress.version > self.seen {
                self.seen = message.progress.version;
                self.ended = message.progress.state.is_final();
                return Some(Ok(message));
            }
        }
    }

    /// Waits until the message is final and gives its last state; none when it was removed.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot tell.
    pub async fn finished(mut self) -> Result<Option<Message>, StoreError> {
        let mut last = None;
        while let Some(message) = self.next().await {
            last = Some(message?);
        }
        Ok(last)
    }

    async fn change(&mut self) -> Result<Option<Message>, StoreError> {
        let interval = self.inner.settings.watch_interval;
        match tokio::time::timeout(interval, self.changes.recv()).await {
            Ok(Some(message)) => Ok(Some(message)),
            Ok(None) | Err(_) => self.inner.writes.load(self.id).await,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.changes.close();
        self.inner.watchers.tidy(self.id);
    }
}

/// Who follows which message.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    by_id: Mutex<HashMap<MessageId, Vec<mpsc::Sender<Message>>>>,
    /// Spares the lock while nobody watches anything.
    watched: AtomicUsize,
}

impl Watchers {
    fn lock(&self) -> MutexGuard<'_, HashMap<MessageId, Vec<mpsc::Sender<Message>>>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, id: MessageId) -> mpsc::Receiver<Message> {
        let (sender, receiver) = mpsc::channel(BUFFER);
        let mut by_id = self.lock();
        by_id.entry(id).or_default().push(sender);
        self.watched.store(by_id.len(), Ordering::Release);
        receiver
    }

    /// Forgets the watchers of a message that have gone.
    fn tidy(&self, id: MessageId) {
        let mut by_id = self.lock();
        if let Some(senders) = by_id.get_mut(&id) {
            senders.retain(|sender| !sender.is_closed());
            if senders.is_empty() {
                by_id.remove(&id);
            }
        }
        self.watched.store(by_id.len(), Ordering::Release);
    }

    /// Passes a change on to whoever follows the message.
    pub(super) fn tell(&self, message: &Message) {
        if self.watched.load(Ordering::Acquire) == 0 {
            return;
        }
        if let Some(senders) = self.lock().get(&message.id()) {
            for sender in senders {
                // A watcher that is behind catches up from the store.
                let _ = sender.try_send(message.clone());
            }
        }
    }
}
