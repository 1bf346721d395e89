//! Asking a provider what became of a message.

use std::sync::Arc;

use tracing::debug;

use super::Inner;
use crate::{Event, Message};

impl Inner {
    /// Asks in the background. If nothing comes of it, the message's next deadline asks again.
    pub(super) fn ask(self: &Arc<Self>, message: &Message) {
        let inner = Arc::clone(self);
        let message = message.clone();
        tokio::spawn(async move { inner.ask_and_apply(message).await });
    }

    async fn ask_and_apply(self: Arc<Self>, message: Message) {
        let Some(attempt) = message.progress.last_attempt() else {
            return;
        };
        let Some(route) = self.routes.get(&attempt.provider) else {
            return;
        };
        let Some(query) = route.query() else {
            return;
        };
        let submission = self.submission(&message, attempt, route);
        let timeout = route.timeout();
        let asked = query.query(&submission, attempt.provider_id.as_ref());
        let Ok(answer) = tokio::time::timeout(timeout, asked).await else {
            debug!(id = %message.id(), "a status query was not answered in time");
            return;
        };
        if let Err(error) = self.apply(message, &Event::Queried(answer)).await {
            debug!(%error, "the answer of a status query could not be kept");
        }
    }
}
