use proptest::prelude::*;

use super::*;

fn rate(text: &str) -> Throughput {
    text.parse().unwrap()
}

#[test]
fn usual_ways_of_writing_are_read() {
    for (text, nanoseconds, per_second) in [
        ("5/s", 200_000_000, 5.0),
        ("10/s", 100_000_000, 10.0),
        ("0.5/s", 2_000_000_000, 0.5),
        ("300/min", 200_000_000, 5.0),
        ("18000/h", 200_000_000, 5.0),
        ("1/min", 60_000_000_000, 1.0 / 60.0),
        ("3/s", 333_333_334, 3.0),
        (" 5 / s ", 200_000_000, 5.0),
        ("100000/s", 10_000, 100_000.0),
    ] {
        assert_eq!(
            rate(text).interval(),
            Duration::from_nanos(nanoseconds),
            "{text}"
        );
        assert!(
            (rate(text).per_second() - per_second).abs() < 1e-9,
            "{text}"
        );
    }
}

#[test]
fn what_is_wrong_is_said() {
    use ThroughputError as E;
    for text in [
        "", "5", "/s", "five/s", "5/", "5.5.5/s", ".5/s", "5./s", "+5/s", "1e3/s", "inf/s", "NaN/s",
    ] {
        let error = text.parse::<Throughput>().unwrap_err();
        assert!(
            matches!(error, E::Form { .. } | E::Unit { .. }),
            "{text}: {error}"
        );
    }
    for (text, expected) in [
        ("5/m", E::Unit { text: "5/m".into() }),
        (
            "5/sec",
            E::Unit {
                text: "5/sec".into(),
            },
        ),
        ("0/s", E::NotPositive { text: "0/s".into() }),
        (
            "0.000/h",
            E::NotPositive {
                text: "0.000/h".into(),
            },
        ),
        (
            "-5/s",
            E::NotPositive {
                text: "-5/s".into(),
            },
        ),
        (
            "0.0001/s",
            E::TooPrecise {
                text: "0.0001/s".into(),
            },
        ),
        (
            "0.041/h",
            E::TooSlow {
                text: "0.041/h".into(),
            },
        ),
        (
            "100000.001/s",
            E::TooFast {
                text: "100000.001/s".into(),
            },
        ),
        (
            "99999999999999999999/s",
            E::TooFast {
                text: "99999999999999999999/s".into(),
            },
        ),
        (
            "18446744073709551615/h",
            E::TooFast {
                text: "18446744073709551615/h".into(),
            },
        ),
    ] {
        assert_eq!(text.parse::<Throughput>(), Err(expected), "{text}");
    }
}

#[test]
fn is_written_as_it_was_read() {
    for text in ["5/s", "0.5/s", "300/min", "18000/h", "1.125/min"] {
        assert_eq!(rate(text).to_string(), text);
        let json = format!("\"{text}\"");
        assert_eq!(serde_json::to_string(&rate(text)).unwrap(), json);
        assert_eq!(
            serde_json::from_str::<Throughput>(&json).unwrap(),
            rate(text)
        );
    }
    assert_eq!(rate("5.500/s").to_string(), "5.5/s");
}

proptest! {
    #[test]
    fn what_is_written_reads_back(thousandths in 42_u64..100_000_000, unit in 0_usize..3) {
        let per = [Unit::Second, Unit::Minute, Unit::Hour][unit];
        let rate = Throughput { thousandths, per };
        prop_assert_eq!(rate.to_string().parse(), Ok(rate));
    }

    #[test]
    fn the_interval_never_exceeds_the_rate(thousandths in 42_u64..100_000_000) {
        let rate = Throughput { thousandths, per: Unit::Hour };
        let sent = Duration::from_secs(86_400).as_nanos() / rate.interval().as_nanos();
        prop_assert!(sent * 1_000 <= u128::from(thousandths) * 24);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[0-9./smhin-]{0,12}|\\PC*") {
        let _ = text.parse::<Throughput>();
    }
}
