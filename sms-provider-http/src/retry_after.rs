//! How long a provider asks to wait.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;

/// The longest wait that is believed. A provider that asks for more has its clock wrong, and the
/// validity of most messages ends before.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// Reads the header `Retry-After`: seconds, or a date (RFC 9110, 10.2.3). A date in the past
/// means at once; anything else means nothing.
pub(crate) fn of_headers(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    of_text(headers.get(RETRY_AFTER)?.to_str().ok()?, now)
}

/// Reads seconds, whole or with a fraction, or an HTTP date.
pub(crate) fn of_text(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    let wait = match text.parse::<f64>() {
        Ok(seconds) if seconds.is_nan() || seconds < 0.0 => return None,
        Ok(seconds) => Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST),
        Err(_) => httpdate::parse_http_date(text)
            .ok()?
            .duration_since(now)
            .unwrap_or_default(),
    };
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read_and_held_within_a_day() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let seconds = Duration::from_secs;
        for (text, expected) in [
            ("0", Some(seconds(0))),
            (" 120 ", Some(seconds(120))),
            ("1.5", Some(Duration::from_millis(1_500))),
            ("99999999999999999999999", Some(LONGEST)),
            ("inf", Some(LONGEST)),
            ("1e300", Some(LONGEST)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(seconds(60))),
            ("Sun, 06 Nov 1994 08:48:37 GMT", Some(seconds(0))),
            ("Sat, 06 Nov 2094 08:50:37 GMT", Some(LONGEST)),
            ("-1", None),
            ("NaN", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(of_text(text, now), expected, "{text}");
        }
    }
}
