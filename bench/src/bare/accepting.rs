//! Taking a message: stored, then queued.

use super::{
    hints::{Hint, Publisher},
    records::Records,
};
use crate::sample;

/// What a caller calls.
#[derive(Clone, Debug)]
pub(crate) struct Accepting {
    records: Records,
    publisher: Publisher,
    /// Tells the messages of one order from those of another, which have the same numbers.
    order: usize,
}

impl Accepting {
    pub(super) fn new(records: Records, publisher: Publisher) -> Self {
        Self {
            records,
            publisher,
            order: 0,
        }
    }

    pub(super) fn of_order(&self, order: usize) -> Self {
        Self {
            order,
            ..self.clone()
        }
    }

    /// Returns once message `n` is stored and queued.
    pub(crate) async fn send(&mut self, n: usize, text: &str) -> anyhow::Result<()> {
        let hint = Hint {
            key: format!("bare:{}:{n}", self.order),
            to: sample::recipient(n),
            text: text.to_owned(),
        };
        self.records.insert(&hint).await?;
        self.publisher.publish(&hint).await
    }
}
