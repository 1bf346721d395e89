//! The stream of a watched message.

use std::pin::Pin;

use futures_util::stream::{self, Stream};
use sms_core::Watch;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::to_proto;
use crate::proto::v1 as wire;
use crate::refusal::Refusal;

/// The states of one message, as they go over the wire.
pub(crate) type MessageStream = Pin<Box<dyn Stream<Item = Result<wire::Message, Status>> + Send>>;

const METHOD: &str = "sms.v1.MessageService/WatchMessage";

struct Following {
    watch: Watch,
    closing: CancellationToken,
    /// Held as long as the stream lives.
    _place: OwnedSemaphorePermit,
}

/// Every state that the watch tells, until it ends or the server shuts down.
pub(super) fn follow(
    watch: Watch,
    closing: CancellationToken,
    place: OwnedSemaphorePermit,
) -> MessageStream {
    let following = Following {
        watch,
        closing,
        _place: place,
    };
    Box::pin(stream::unfold(Some(following), |following| async {
        let mut following = following?;
        let next = tokio::select! {
            biased;
            next = following.watch.next() => next?.map_err(Refusal::from),
            () = following.closing.cancelled() => Err(Refusal::ShuttingDown),
        };
        Some(match next {
            Ok(message) => (Ok(to_proto::message(&message)), Some(following)),
            Err(refusal) => (Err(refusal.into_status(METHOD)), None),
        })
    }))
}
