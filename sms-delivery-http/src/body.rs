//! Reading the body of a request, within bounds.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};

use crate::answer::Refusal;

/// Reads a body of at most `longest` bytes that comes in within `time`.
///
/// A body that says beforehand that it is longer is refused unread.
pub(crate) async fn read(body: Incoming, longest: usize, time: Duration) -> Result<Bytes, Refusal> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if usize::try_from(body.size_hint().lower()).map_or(true, |length| length > longest) {
        return Err(Refusal::TooLarge);
    }
    let whole = Limited::new(body, longest).collect();
    match tokio::time::timeout(time, whole).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::TooLarge),
        Ok(Err(_)) => Err(Refusal::BrokenOff),
        Err(_) => Err(Refusal::TooSlow),
    }
}
