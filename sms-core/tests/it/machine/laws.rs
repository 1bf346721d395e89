//! What holds for any events at any times, sensible or not.

use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use sms_core::{
    Answer, ClaimToken, Decision, Event, Outcome, QueryAnswer, Report, ReportStatus, State,
    Timestamp, Unchanged, UnknownPolicy,
};

use super::life::{Kind, Life, START, check, check_change, main_provider, provider_id};

/// An event, and how far the clock moves before it; at times back.
type Step = (i64, Event);

fn tokens() -> impl Strategy<Value = ClaimToken> {
    (1..6u64).prop_map(ClaimToken)
}

fn ids() -> impl Strategy<Value = Option<sms_core::ProviderId>> {
    prop::option::of((1..4).prop_map(|n| provider_id(&format!("p{n}"))))
}

fn spans() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::MAX),
        (0..100_000_000u64).prop_map(Duration::from_millis),
    ]
}

fn statuses() -> impl Strategy<Value = ReportStatus> {
    prop::sample::select(vec![
        ReportStatus::Buffered,
        ReportStatus::Delivered,
        ReportStatus::Undelivered,
        ReportStatus::Expired,
        ReportStatus::Rejected,
        ReportStatus::Unknown,
    ])
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    let wish = || prop::option::of(spans());
    prop_oneof![
        3 => ids().prop_map(|provider_id| Outcome::Accepted { provider_id }),
        1 => ids().prop_map(|provider_id| Outcome::Duplicate { provider_id }),
        1 => Just(Outcome::Rejected),
        2 => wish().prop_map(|retry_after| Outcome::Throttled { retry_after }),
        4 => wish().prop_map(|retry_after| Outcome::Unavailable { retry_after }),
        1 => Just(Outcome::Unauthorized),
        4 => Just(Outcome::Unknown),
    ]
}

fn reports() -> impl Strategy<Value = Report> {
    (statuses(), ids(), prop::option::of("[a-c]"), any::<bool>()).prop_map(
        |(status, provider_id, code, late)| Report {
            received_at: START,
            provider: main_provider(),
            status,
            provider_id,
            receipt_id: None,
            code,
            text: None,
            late,
        },
    )
}

fn queried() -> impl Strategy<Value = QueryAnswer> {
    prop_oneof![
        Just(QueryAnswer::Unknown),
        Just(QueryAnswer::NotTaken),
        (ids(), prop::option::of(statuses())).prop_map(|(provider_id, status)| {
            QueryAnswer::Taken {
                provider_id,
                status,
            }
        }),
    ]
}

fn times() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        Just(Timestamp::MAX),
        Just(Timestamp::from_millis(0)),
        (0..200_000_000i64).prop_map(|after| Timestamp::from_millis(START.as_millis() + after)),
    ]
}

fn events() -> impl Strategy<Value = Event> {
    let provider = prop::sample::select(vec!["main", "other"]);
    prop_oneof![
        6 => (provider, tokens(), times()).prop_map(|(provider, token, lease_until)| Event::Claim {
            provider: provider.parse().unwrap(),
            token,
            lease_until,
        }),
        1 => tokens().prop_map(|token| Event::GiveBack { token }),
        6 => (tokens(), outcomes(), prop::option::of("[0-9]")).prop_map(|(token, outcome, code)| {
            Event::Answered { token, answer: Answer { code, ..outcome.into() } }
        }),
        3 => reports().prop_map(Event::Reported),
        2 => queried().prop_map(Event::Queried),
        1 => Just(Event::Cancel),
        6 => spans().prop_map(|expected_wait| Event::Deadline { expected_wait }),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let clock = prop_oneof![
        4 => 0..30_000i64,
        2 => 0..100_000_000i64,
        1 => -100_000..0i64,
        1 => Just(i64::MAX / 2),
    ];
    (clock, events())
}

fn lives() -> impl Strategy<Value = Life> {
    let policy = prop::sample::select(vec![
        UnknownPolicy::Hold,
        UnknownPolicy::PreferDuplicate,
        UnknownPolicy::PreferLoss,
    ]);
    let kind = prop::sample::select(Kind::ALL.to_vec());
    let validity = (1..100_000u64).prop_map(Duration::from_secs);
    (policy, kind, 0..4u32, validity, any::<bool>()).prop_map(
        |(policy, kind, retries, validity, scheduled)| {
            let life = if scheduled {
                Life::scheduled(START + Duration::from_secs(10))
            } else {
                Life::new()
            };
            let life = life.with(policy).at(kind).retried(retries);
            life.valid_for(validity)
        },
    )
}

fn move_clock(life: &mut Life, by: i64) {
    life.now = Timestamp::from_millis(life.now.as_millis().saturating_add(by));
}

/// Whether the same deadline event may act again at once: only on a new deadline that has
/// passed already, because the clock had jumped.
fn is_overdue(life: &Life) -> bool {
    let deadline = life.progress().deadline;
    deadline.is_some_and(|deadline| deadline <= life.now)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Every change keeps what `check_change` says: a deadline if and only if not final, versions
    /// by one, final states final, sequences rising.
    #[test]
    fn every_change_is_lawful_and_every_repeat_is_nothing(
        mut life in lives(),
        steps in prop::collection::vec(steps(), 1..60),
    ) {
        check(life.progress());
        let mut upgrades = 0;
        for (clock, event) in steps {
            move_clock(&mut life, clock);
            let before = life.state();
            if life.apply(&event).is_err() {
                continue;
            }
            if before == State::Unknown && life.state() != State::Unknown {
                upgrades += 1;
            }
            let is_deadline = matches!(event, Event::Deadline { .. });
            if !(is_deadline && is_overdue(&life)) {
                let again = life.rules.decide(&life.message, &event, life.now);
                prop_assert!(matches!(again, Decision::Keep(_)), "{event:?} acted twice: {again:#?}");
            }
        }
        prop_assert!(upgrades <= 1);
    }

    /// A message is never stuck: whatever has happened, deadlines alone bring it to an end, or
    /// to where only a worker is missing, and then the end of its validity does.
    #[test]
    fn deadlines_alone_bring_every_message_to_an_end(
        mut life in lives(),
        steps in prop::collection::vec(steps(), 0..30),
    ) {
        for (clock, event) in steps {
            move_clock(&mut life, clock.min(1_000_000));
            let _ = life.apply(&event);
        }
        let mut passed = 0;
        while let Some(deadline) = life.progress().deadline {
            life.now = life.now.max(deadline);
            prop_assert!(life.deadline().is_ok(), "{:#?}", life.progress());
            passed += 1;
            prop_assert!(passed < 200, "no end: {:#?}", life.progress());
        }
        prop_assert!(life.state().is_final());
    }
}

/// Ten thousand events on one message: what is kept of them stays bounded.
#[test]
fn histories_stay_bounded() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut life = Life::new().retried(20);
    for number in 0..10_000u64 {
        let (_, event) = steps().new_tree(&mut runner).unwrap().current();
        life.wait(Duration::from_millis(200));
        let event = match event {
            // Keeps the message alive, and every claim a new one.
            Event::Answered { token, .. } if number % 50 != 0 => Event::GiveBack { token },
            Event::Claim {
                provider,
                lease_until,
                ..
            } => Event::Claim {
                provider,
                token: ClaimToken(number % 7),
                lease_until,
            },
            Event::Cancel => continue,
            other => other,
        };
        let _ = life.apply(&event);
        let progress = life.progress();
        assert!(
            progress.attempts.len() <= 32 + 21,
            "{}",
            progress.attempts.len()
        );
        assert!(progress.timeline.len() <= 64);
        assert!(progress.reports.len() <= 16);
    }
}

/// Throttled and given back ten thousand times, which a long life can be.
#[test]
fn a_long_life_without_an_end_stays_bounded() {
    let mut life = Life::new();
    for number in 0..10_000 {
        life.request().expires_at = Timestamp::MAX;
        let outcome = Outcome::Throttled { retry_after: None };
        if number % 3 == 0 {
            let token = life.claim();
            life.give_back(token).unwrap();
        } else {
            life.submit(outcome);
        }
        life.wait_until_ready();
        assert!(life.progress().attempts.len() <= 32);
        assert!(life.progress().timeline.len() <= 64);
    }
    assert_eq!(life.progress().last_attempt().unwrap().number, 10_000);
    assert_eq!(life.deadline(), Err(Unchanged::NotDue));
}

/// The checks of this module do find what they look for.
#[test]
#[should_panic(expected = "became queued")]
fn a_final_state_that_does_not_stay_is_found() {
    let before = Life::in_state(State::Rejected).message.progress;
    let mut after = Life::in_state(State::Queued).message.progress;
    after.version = before.version + 1;
    check_change(&before, &after);
}
