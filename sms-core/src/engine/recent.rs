//! Messages that were just accepted, for the worker in the same process.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use crate::{Message, MessageId};

/// How many messages are kept; about a kilobyte each.
const KEPT: usize = 8_192;

/// Spares a worker the reading of a message that its own process accepted a moment ago. A copy
/// that is out of date does no harm: its change conflicts, and the conflict brings the message
/// as it is.
#[derive(Debug, Default)]
pub(super) struct Recent {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    messages: HashMap<MessageId, Message>,
    /// In the order in which they came; may name messages that were taken since.
    order: VecDeque<MessageId>,
}

impl Recent {
    pub(super) fn put(&self, message: &Message) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.order.push_back(message.id());
        kept.messages.insert(message.id(), message.clone());
        while kept.order.len() > KEPT {
            if let Some(oldest) = kept.order.pop_front() {
                kept.messages.remove(&oldest);
            }
        }
    }

    pub(super) fn take(&self, id: MessageId) -> Option<Message> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.messages.remove(&id)
    }
}
