//! Applying an event to a message: decide, commit, and what follows.

use std::sync::Arc;

use super::writes::Failure;
use super::{Inner, Observation};
use crate::{Change, Committed, Decision, Event, Hint, Message, StoreError, Unchanged};

/// What became of an event.
#[derive(Debug)]
pub(super) enum Applied {
    /// It is part of the message now.
    Changed(Message),
    /// It changed nothing.
    Kept(Message, Unchanged),
    /// There is no such message any more.
    Gone,
}

impl Inner {
    /// Applies an event to a message, starting from a copy that may be out of date.
    pub(super) async fn apply(
        self: &Arc<Self>,
        mut message: Message,
        event: &Event,
    ) -> Result<Applied, StoreError> {
        let mut alone = false;
        loop {
            let decision = self.rules.decide(&message, event, self.clock.now());
            let (after, hint, query) = match decision {
                Decision::Keep(why) => return Ok(Applied::Kept(message, why)),
                Decision::Change {
                    progress,
                    hint,
                    query,
                } => (progress, hint, query),
            };
            let before = message.progress.state;
            let changed = Message {
                request: Arc::clone(&message.request),
                progress: after.clone(),
            };
            let change = Change {
                before: message,
                after,
            };
            let committed = match alone {
                false => self.writes.commit(change).await,
                true => self.writes.commit_alone(change).await,
            };
            match committed {
                Ok(Committed::Applied) => {
                    self.after_commit(before, &changed, hint, query);
                    return Ok(Applied::Changed(changed));
                }
                Ok(Committed::Conflict(current)) => message = *current,
                Ok(Committed::Missing) => return Ok(Applied::Gone),
                Ok(Committed::Failed(error)) | Err(Failure::Own(error)) => return Err(error),
                Err(Failure::Shared) => {
                    // Whether this one was written shows in what is stored now.
                    let Some(current) = self.writes.load(changed.id()).await? else {
                        return Ok(Applied::Gone);
                    };
                    (message, alone) = (current, true);
                }
            }
        }
    }

    /// What follows a commit. A crash before it is made up for by the sweep.
    pub(super) fn after_commit(
        self: &Arc<Self>,
        before: crate::State,
        message: &Message,
        hint: bool,
        query: bool,
    ) {
        if hint {
            self.hint(message);
        }
        if query {
            self.ask(message);
        }
        if before != message.progress.state {
            self.observer
                .observe(&Observation::Changed { before, message });
        }
        self.watchers.tell(message);
    }

    /// Tells the queue that a message waits.
    pub(super) fn hint(self: &Arc<Self>, message: &Message) {
        self.hints.add(Hint {
            route: message.request.route.clone(),
            priority: message.request.priority,
            ids: vec![message.id()],
        });
    }
}
