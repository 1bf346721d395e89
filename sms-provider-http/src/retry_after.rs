//! How long a provider asks to wait.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;
use serde::Deserialize;

/// The longest wait that is believed. A provider that asks for more has its clock wrong, and the
/// validity of most messages ends before.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// What a number counts that tells how long to wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum WaitUnit {
    /// Seconds from now, as `Retry-After` does.
    #[default]
    #[serde(rename = "s")]
    Seconds,
    /// Milliseconds from now.
    #[serde(rename = "ms")]
    Milliseconds,
    /// The seconds since 1970 at which the wait ends.
    #[serde(rename = "unix")]
    Unix,
}

/// Reads the header `Retry-After`: seconds, or a date (RFC 9110, 10.2.3). A date in the past
/// means at once; anything else means nothing.
pub(crate) fn of_headers(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    of_text(text, WaitUnit::Seconds, now)
}

/// Reads a number of this unit, whole or with a fraction, or an HTTP date.
pub(crate) fn of_text(text: &str, unit: WaitUnit, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    let wait = match text.parse::<f64>() {
        Ok(number) if number.is_nan() || number < 0.0 => return None,
        Ok(number) => of_number(number, unit, now),
        Err(_) => httpdate::parse_http_date(text)
            .ok()?
            .duration_since(now)
            .unwrap_or_default(),
    };
    Some(wait.min(LONGEST))
}

fn of_number(number: f64, unit: WaitUnit, now: SystemTime) -> Duration {
    let seconds = |seconds| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    match unit {
        WaitUnit::Seconds => seconds(number),
        WaitUnit::Milliseconds => seconds(number / 1_000.0),
        WaitUnit::Unix => {
            let now = now
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default();
            seconds(number).saturating_sub(now)
        }
    }
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
            assert_eq!(of_text(text, WaitUnit::Seconds, now), expected, "{text}");
        }
    }

    #[test]
    fn other_units_are_read_and_held_within_a_day() {
        use WaitUnit::{Milliseconds, Unix};
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let millis = Duration::from_millis;
        for (text, unit, expected) in [
            ("250", Milliseconds, Some(millis(250))),
            ("0.5", Milliseconds, Some(Duration::from_micros(500))),
            ("1e300", Milliseconds, Some(LONGEST)),
            ("1700000030", Unix, Some(millis(30_000))),
            ("1699999999", Unix, Some(millis(0))),
            ("1700000030000", Unix, Some(LONGEST)),
            ("-5", Milliseconds, None),
            ("soon", Unix, None),
        ] {
            assert_eq!(of_text(text, unit, now), expected, "{text} {unit:?}");
        }
    }
}
