//! Taking messages back.

use super::Engine;
use super::change::Applied;
use crate::{Event, Message, MessageId, State, StoreError};

/// What became of a wish to take a message back.
#[derive(Debug, Clone, PartialEq)]
pub enum Canceled {
    /// It will not be sent.
    Done(Message),
    /// It is on its way, or its life has ended otherwise. If an attempt is under way, no further
    /// one will follow.
    TooLate(Message),
    /// There is no such message.
    NotFound,
}

impl Engine {
    /// Takes a message back, if it is not on its way yet. Of a cancel and a claim at the same
    /// instant exactly one wins.
    ///
    /// # Errors
    /// [`StoreError`]: it may or may not be canceled.
    pub async fn cancel(&self, id: MessageId) -> Result<Canceled, StoreError> {
        let Some(message) = self.message(id).await? else {
            return Ok(Canceled::NotFound);
        };
        let message = match self.inner.apply(message, &Event::Cancel).await? {
            Applied::Changed(message) | Applied::Kept(message, _) => message,
            Applied::Gone => return Ok(Canceled::NotFound),
        };
        Ok(if message.progress.state == State::Canceled {
            Canceled::Done(message)
        } else {
            Canceled::TooLate(message)
        })
    }
}
