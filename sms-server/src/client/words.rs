//! The words for what the protocol has as numbers.

use prost_types::Timestamp as WireTime;
use sms_core::Timestamp;
use sms_grpc::proto::v1 as wire;

/// The name of a value without that of its type: `STATE_QUEUED` is `queued`. Empty for what is
/// unspecified, or newer than this program.
fn bare(name: Option<&str>, prefix: &str) -> String {
    let name = name
        .and_then(|name| name.strip_prefix(prefix))
        .unwrap_or_default();
    match name {
        "UNSPECIFIED" => String::new(),
        name => name.to_lowercase(),
    }
}

macro_rules! words {
    ($($function:ident, $type:ident, $prefix:literal;)*) => {
        $(
            pub(super) fn $function(value: i32) -> String {
                let value = wire::$type::try_from(value).ok();
                bare(value.as_ref().map(wire::$type::as_str_name), $prefix)
            }
        )*
    };
}

words! {
    state, State, "STATE_";
    encoding, Encoding, "ENCODING_";
    priority, Priority, "PRIORITY_";
    on_unknown, UnknownPolicy, "UNKNOWN_POLICY_";
    outcome, AttemptOutcome, "ATTEMPT_OUTCOME_";
    report_status, ReportStatus, "REPORT_STATUS_";
    cause, Cause, "CAUSE_";
}

/// The name of an encoding as people write it.
pub(super) fn encoding_for_people(value: i32) -> &'static str {
    match wire::Encoding::try_from(value) {
        Ok(wire::Encoding::Gsm7) => "GSM-7",
        Ok(wire::Encoding::Ucs2) => "UCS-2",
        _ => "?",
    }
}

/// The time, to the millisecond.
pub(super) fn time(time: &WireTime) -> Timestamp {
    let millis = time
        .seconds
        .saturating_mul(1_000)
        .saturating_add(i64::from(time.nanos) / 1_000_000);
    Timestamp::from_millis(millis)
}

/// `2026-12-31 18:00:00 UTC`.
pub(super) fn for_people(at: &WireTime) -> String {
    let text = time(at).to_string();
    let (date, clock) = text.split_once('T').unwrap_or((&text, ""));
    format!("{date} {} UTC", clock.get(..8).unwrap_or(clock))
}

/// `18:00:00.123 UTC`.
pub(super) fn clock(at: &WireTime) -> String {
    let text = time(at).to_string();
    let (_, clock) = text.split_once('T').unwrap_or(("", &text));
    format!("{} UTC", clock.trim_end_matches('Z'))
}

/// How long it is from `start` to `end`: `85 ms`, `1.24 s`, `3 min 20 s`, `5 h 2 min`.
pub(super) fn span(start: &WireTime, end: &WireTime) -> String {
    let millis = time(end).since(time(start)).as_millis();
    let (seconds, minutes, hours) = (millis / 1_000, millis / 60_000, millis / 3_600_000);
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{seconds}.{:02} s", millis % 1_000 / 10),
        60_000..3_600_000 => format!("{minutes} min {} s", seconds % 60),
        3_600_000..86_400_000 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{} d {} h", hours / 24, hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> WireTime {
        WireTime {
            seconds: millis / 1_000,
            nanos: i32::try_from(millis % 1_000 * 1_000_000).unwrap(),
        }
    }

    #[test]
    fn values_are_called_as_in_the_engine() {
        assert_eq!(state(wire::State::Unconfirmed.into()), "unconfirmed");
        assert_eq!(
            cause(wire::Cause::ReportWindowEnded.into()),
            "report_window_ended"
        );
        assert_eq!(state(0), "");
        assert_eq!(state(9_999), "");
    }

    #[test]
    fn spans_are_short() {
        for (millis, expected) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_240, "1.24 s"),
            (200_000, "3 min 20 s"),
            (18_120_000, "5 h 2 min"),
            (90_000_000, "1 d 1 h"),
        ] {
            assert_eq!(span(&at(0), &at(millis)), expected);
        }
    }

    #[test]
    fn times_say_that_they_are_utc() {
        assert_eq!(
            for_people(&at(1_700_000_000_123)),
            "2023-11-14 22:13:20 UTC"
        );
        assert_eq!(clock(&at(1_700_000_000_123)), "22:13:20.123 UTC");
    }
}
