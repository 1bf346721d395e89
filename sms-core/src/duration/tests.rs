use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Settings {
    #[serde(with = "crate::duration")]
    timeout: Duration,
    #[serde(default, with = "crate::duration::option")]
    validity: Option<Duration>,
}

#[test]
fn usual_ways_of_writing_are_read() {
    for (text, milliseconds) in [
        ("0s", 0),
        ("500ms", 500),
        ("5s", 5_000),
        ("600s", 600_000),
        ("10m", 600_000),
        ("1h30m", 5_400_000),
        ("1h 30m", 5_400_000),
        (" 2d ", 172_800_000),
        ("1d2h3m4s5ms", 93_784_005),
    ] {
        assert_eq!(
            parse_duration(text),
            Ok(Duration::from_millis(milliseconds)),
            "{text}"
        );
    }
}

#[test]
fn what_is_wrong_is_said() {
    let text = |text: &str| text.to_owned();
    for (given, error) in [
        ("", DurationError::Empty),
        ("  ", DurationError::Empty),
        (
            "5",
            DurationError::MissingUnit {
                text: text("5"),
                number: 5,
            },
        ),
        (
            "1h30",
            DurationError::MissingUnit {
                text: text("1h30"),
                number: 30,
            },
        ),
        (
            "5 s",
            DurationError::MissingUnit {
                text: text("5 s"),
                number: 5,
            },
        ),
        ("s", DurationError::MissingNumber { text: text("s") }),
        ("-5s", DurationError::MissingNumber { text: text("-5s") }),
        ("1.5h", DurationError::MissingNumber { text: text("1.5h") }),
        (
            "5S",
            DurationError::UnknownUnit {
                text: text("5S"),
                unit: text("S"),
            },
        ),
        (
            "5min",
            DurationError::UnknownUnit {
                text: text("5min"),
                unit: text("min"),
            },
        ),
        (
            "30m1h",
            DurationError::Order {
                text: text("30m1h"),
            },
        ),
        ("5s5s", DurationError::Order { text: text("5s5s") }),
        (
            "36501d",
            DurationError::TooLong {
                text: text("36501d"),
            },
        ),
        (
            "99999999999999999999s",
            DurationError::TooLong {
                text: text("99999999999999999999s"),
            },
        ),
        (
            "99999999999999999d",
            DurationError::TooLong {
                text: text("99999999999999999d"),
            },
        ),
    ] {
        assert_eq!(parse_duration(given), Err(error), "{given:?}");
    }
}

#[test]
fn a_missing_unit_is_shown_how_to_be_written() {
    let message = parse_duration("30").unwrap_err().to_string();
    assert!(
        message.contains("without a unit") && message.contains("30s"),
        "{message}"
    );
}

#[test]
fn the_largest_unit_is_written_first() {
    for (seconds, text) in [
        (0, "0s"),
        (90, "1m30s"),
        (600, "10m"),
        (5_400, "1h30m"),
        (172_800, "2d"),
    ] {
        assert_eq!(format_duration(Duration::from_secs(seconds)), text);
    }
    assert_eq!(format_duration(Duration::from_nanos(1_500_000)), "1ms500us");
}

#[test]
fn settings_are_read_and_written() {
    let settings: Settings =
        serde_json::from_str(r#"{"timeout": "30s", "validity": "1h"}"#).unwrap();
    let expected = Settings {
        timeout: Duration::from_secs(30),
        validity: Some(Duration::from_secs(3_600)),
    };
    assert_eq!(settings, expected);
    assert_eq!(
        serde_json::to_string(&settings).unwrap(),
        r#"{"timeout":"30s","validity":"1h"}"#
    );
}

#[test]
fn an_absent_optional_duration_is_none() {
    let settings: Settings = serde_json::from_str(r#"{"timeout": "30s"}"#).unwrap();
    assert_eq!(settings.validity, None);
    let settings: Settings =
        serde_json::from_str(r#"{"timeout": "30s", "validity": null}"#).unwrap();
    assert_eq!(settings.validity, None);
}

#[test]
fn bare_numbers_in_settings_are_told_that_they_lack_a_unit() {
    for json in [
        r#"{"timeout": 30}"#,
        r#"{"timeout": "30"}"#,
        r#"{"timeout": "1s", "validity": 30}"#,
    ] {
        let error = serde_json::from_str::<Settings>(json)
            .unwrap_err()
            .to_string();
        assert!(error.contains("without a unit"), "{json}: {error}");
    }
    for json in [r#"{"timeout": -30}"#, r#"{"timeout": 0.5}"#] {
        let error = serde_json::from_str::<Settings>(json)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("whole numbers with units"),
            "{json}: {error}"
        );
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(nanoseconds in 0..=MAX.as_nanos()) {
        let duration = Duration::from_nanos(u64::try_from(nanoseconds).unwrap());
        prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
    }

    #[test]
    fn no_text_makes_it_panic(text in "[0-9dhms .-]{0,12}|\\PC*") {
        let _ = parse_duration(&text);
    }
}
