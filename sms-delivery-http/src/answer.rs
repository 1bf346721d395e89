//! The answers of the server.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use http_body_util::Full;
use sms_core::{DecodeError, Reply};

pub(crate) type Answer = Response<Full<Bytes>>;

/// How long a provider is asked to wait, in seconds: about what a store takes to come back, and
/// less than the first pause of most providers.
const COME_AGAIN_AFTER: HeaderValue = HeaderValue::from_static("5");

/// Why a request is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is nothing at this path.
    NotFound,
    /// The token in the path is wrong, or missing; which must look as if nothing were there.
    Token,
    /// The path does not take this method, but these.
    Method(&'static str),
    /// Its source may not report.
    Source,
    /// The body is longer than any report.
    TooLarge,
    /// The body did not come in time.
    TooSlow,
    /// The body broke off.
    BrokenOff,
    /// It is not a report of this provider, for this reason.
    Decode(DecodeError),
    /// Too much else is being done.
    Busy,
    /// The store did not take it.
    Store,
}

/// What the provider wants to hear once its reports are durable.
pub(crate) fn taken(reply: Reply) -> Answer {
    let mut answer = empty(StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK));
    *answer.body_mut() = Full::new(match reply.body {
        Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
        Cow::Owned(text) => Bytes::from(text),
    });
    answer
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound | Self::Token => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Source => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Decode(DecodeError::BadSignature) => StatusCode::UNAUTHORIZED,
            Self::Decode(_) => StatusCode::UNPROCESSABLE_ENTITY,
            // The network's faults pass, and several providers drop a report for ever after a
            // 4xx. So what HTTP has a 408 or 400 for is answered like every passing fault.
            Self::TooSlow | Self::BrokenOff | Self::Busy | Self::Store => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// Whether a further request may come on the same connection. It may not from strangers, so
    /// that none of them keeps a connection; nor where the rest of a body is still to come.
    fn keeps_connection(&self) -> bool {
        matches!(
            self,
            Self::Busy | Self::Store | Self::Decode(DecodeError::Malformed { .. })
        )
    }

    /// The answer that says so.
    pub(crate) fn answer(&self) -> Answer {
        let status = self.status();
        let mut answer = match self {
            Self::Decode(error) => problem(status, error),
            _ => empty(status),
        };
        let headers = answer.headers_mut();
        if let Self::Method(allowed) = self {
            headers.insert(ALLOW, HeaderValue::from_static(allowed));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, COME_AGAIN_AFTER);
        }
        if !self.keeps_connection() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }
}

/// A problem in the form of RFC 9457. A decoder's words hold no personal data.
fn problem(status: StatusCode, error: &DecodeError) -> Answer {
    let text = serde_json::json!({
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": error.to_string(),
    });
    let mut answer = empty(status);
    let kind = HeaderValue::from_static("application/problem+json");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    *answer.body_mut() = Full::new(Bytes::from(text.to_string()));
    answer
}

fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}
