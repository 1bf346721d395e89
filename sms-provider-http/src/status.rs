//! What an HTTP status means where nothing better is known.

use std::time::Duration;

use http::StatusCode;
use sms_core::Outcome;

/// The outcome that a status tells by itself. `wait` is what the provider asks for.
///
/// | status | outcome | because |
/// |---|---|---|
/// | 2xx | unknown | the caller knows where this provider puts its verdict, and did not find it |
/// | 3xx | unavailable | redirects are not followed: a wrong URL, nothing was handed over |
/// | 401, 403 | unauthorized | |
/// | 408, 409, 5xx | unknown | the request may have been worked on, or still is |
/// | 429 | throttled | RFC 6585: the request was not processed |
/// | 503 with `Retry-After` | unavailable | the server says when to send the request again |
/// | 402, 404–407, 410, 411, 415, 421, 423–426, 431 | unavailable | about the account, the URL or the form of every request, not about this message: to refuse the message for good would lose it for a mistake of the operator |
/// | other 4xx | rejected | about this message |
pub(crate) fn outcome(status: StatusCode, wait: Option<Duration>) -> Outcome {
    match status.as_u16() {
        401 | 403 => Outcome::Unauthorized,
        429 => Outcome::Throttled { retry_after: wait },
        408 | 409 => Outcome::Unknown,
        300..=399 | 402 | 404..=407 | 410 | 411 | 415 | 421 | 423..=426 | 431 => {
            Outcome::Unavailable { retry_after: wait }
        }
        400..=499 => Outcome::Rejected,
        503 if wait.is_some() => Outcome::Unavailable { retry_after: wait },
        _ => Outcome::Unknown,
    }
}

/// The status in words, for an operator: `HTTP 503 Service Unavailable`.
pub(crate) fn describe(status: StatusCode) -> String {
    let hint = match status.as_u16() {
        300..=399 => ": redirects are not followed; check the provider's url",
        404 | 405 => ": check the provider's url",
        _ => "",
    };
    match status.canonical_reason() {
        Some(reason) => format!("HTTP {} {reason}{hint}", status.as_u16()),
        None => format!("HTTP {}{hint}", status.as_u16()),
    }
}

/// The status in the place of a provider's own code, spelled so that it is not taken for one.
pub(crate) fn code(status: StatusCode) -> String {
    format!("http_{}", status.as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_outcome() {
        let wait = Some(Duration::from_secs(7));
        let unavailable = |retry_after| Outcome::Unavailable { retry_after };
        for (status, retry_after, expected) in [
            (200, None, Outcome::Unknown),
            (204, None, Outcome::Unknown),
            (302, None, unavailable(None)),
            (307, None, unavailable(None)),
            (400, None, Outcome::Rejected),
            (401, None, Outcome::Unauthorized),
            (402, None, unavailable(None)),
            (403, None, Outcome::Unauthorized),
            (404, None, unavailable(None)),
            (405, None, unavailable(None)),
            (408, wait, Outcome::Unknown),
            (409, None, Outcome::Unknown),
            (413, None, Outcome::Rejected),
            (422, None, Outcome::Rejected),
            (429, None, Outcome::Throttled { retry_after: None }),
            (429, wait, Outcome::Throttled { retry_after: wait }),
            (500, wait, Outcome::Unknown),
            (502, wait, Outcome::Unknown),
            (503, None, Outcome::Unknown),
            (503, wait, unavailable(wait)),
            (504, wait, Outcome::Unknown),
            (599, None, Outcome::Unknown),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(outcome(status, retry_after), expected, "{status}");
        }
    }
}
