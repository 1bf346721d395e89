//! Delivery reports: in every state, in any order, repeatedly.

use sms_core::UnknownPolicy::PreferDuplicate;
use sms_core::{AttemptOutcome, Cause, Outcome, Report, ReportStatus, State, Unchanged};

use super::life::{
    DAY, Kind, Life, NAMELESS, SECOND, THROTTLED, UNAVAILABLE, accepted, provider_id, report,
};

const STATUSES: [(ReportStatus, State); 6] = [
    (ReportStatus::Buffered, State::Sent),
    (ReportStatus::Delivered, State::Delivered),
    (ReportStatus::Undelivered, State::Undelivered),
    (ReportStatus::Expired, State::Undelivered),
    (ReportStatus::Rejected, State::Undelivered),
    (ReportStatus::Unknown, State::Unknown),
];

#[test]
fn each_status_leads_to_its_state() {
    for (status, state) in STATUSES {
        let mut life = Life::in_state(State::Sent);
        life.report(report(status, Some("p1"))).unwrap();
        assert_eq!(life.state(), state, "{status:?}");
        if state != State::Sent {
            assert_eq!(life.cause(), Cause::Reported);
        }
    }
}

#[test]
fn a_report_in_every_state() {
    for state in State::ALL {
        let mut life = Life::in_state(state);
        let answer = life.reported(ReportStatus::Delivered);
        match state {
            // Nothing was ever submitted.
            State::Scheduled | State::Queued | State::Expired | State::Canceled => {
                assert_eq!(answer, Err(Unchanged::NoSuchAttempt), "{state}");
                assert_eq!(life.progress().reports.len(), 0);
            }
            State::Sending | State::Unconfirmed | State::Sent | State::Unknown => {
                assert_eq!(answer, Ok((false, false)), "{state}");
                assert_eq!(life.state(), State::Delivered, "{state}");
            }
            // Kept, but what is final stays.
            State::Delivered | State::Undelivered | State::Rejected | State::Failed => {
                assert_eq!(answer, Ok((false, false)), "{state}");
                assert_eq!(life.state(), state);
                assert!(!life.progress().reports.is_empty());
            }
        }
    }
}

#[test]
fn a_report_before_the_answer_is_believed_and_the_answer_adds_to_it() {
    let mut life = Life::new();
    let token = life.claim();
    life.reported(ReportStatus::Delivered).unwrap();
    assert_eq!(life.state(), State::Delivered);
    assert_eq!(life.outcome(1), Some(AttemptOutcome::Accepted));
    life.answer(token, accepted("p1")).unwrap();
    assert_eq!(life.attempt(1).provider_id, Some(provider_id("p1")));
    assert_eq!(life.state(), State::Delivered);
}

#[test]
fn buffered_before_the_answer_means_taken() {
    let mut life = Life::new();
    life.claim();
    life.reported(ReportStatus::Buffered).unwrap();
    assert_eq!((life.state(), life.waits()), (State::Sent, DAY));
}

#[test]
fn buffered_after_an_answer_of_trouble_means_taken_all_the_same() {
    for outcome in [UNAVAILABLE, THROTTLED, Outcome::Unauthorized] {
        let mut life = Life::new();
        life.submit(outcome);
        life.reported(ReportStatus::Buffered).unwrap();
        assert_eq!(life.state(), State::Sent, "and nothing is sent again");
    }
}

#[test]
fn a_report_of_an_attempt_that_was_given_back_is_nobodys() {
    let mut life = Life::new();
    let token = life.claim();
    life.give_back(token).unwrap();
    let answer = life.reported(ReportStatus::Delivered);
    assert_eq!(answer, Err(Unchanged::NoSuchAttempt));
}

#[test]
fn a_report_of_another_provider_is_nobodys() {
    let mut life = Life::in_state(State::Sent);
    let foreign = Report {
        provider: "other".parse().unwrap(),
        ..report(ReportStatus::Delivered, Some("p1"))
    };
    assert_eq!(life.report(foreign), Err(Unchanged::NoSuchAttempt));
    assert_eq!(life.state(), State::Sent);
}

#[test]
fn a_report_that_comes_twice_counts_once() {
    for state in [
        State::Sending,
        State::Unconfirmed,
        State::Sent,
        State::Unknown,
    ] {
        for (status, _) in STATUSES {
            let mut life = Life::in_state(state);
            life.report(report(status, Some("p1"))).unwrap();
            let again = Report {
                received_at: life.now + SECOND,
                text: Some("the same in other words".into()),
                ..report(status, Some("p1"))
            };
            assert_eq!(life.report(again), Err(Unchanged::Repeated), "{state}");
        }
    }
}

#[test]
fn of_contradictory_final_reports_the_first_stays() {
    let final_ones = STATUSES.into_iter().filter(|(_, state)| state.is_final());
    for (first, state) in final_ones.clone() {
        for (second, _) in final_ones.clone().filter(|(second, _)| *second != first) {
            let mut life = Life::in_state(State::Sent);
            life.report(report(first, Some("p1"))).unwrap();
            life.report(report(second, Some("p1"))).unwrap();
            if first == ReportStatus::Unknown {
                assert_ne!(life.state(), State::Unknown, "a word beats none");
            } else {
                assert_eq!(life.state(), state, "{first:?}, then {second:?}");
            }
            assert_eq!(life.progress().reports.len(), 2, "both are kept");
        }
    }
}

#[test]
fn a_report_after_the_window_settles_the_message_once_and_is_marked_late() {
    for (status, state) in STATUSES {
        let mut life = Life::in_state(State::Unknown);
        life.report(report(status, Some("p1"))).unwrap();
        let settled = if status.is_final() {
            state
        } else {
            State::Unknown
        };
        assert_eq!(life.state(), settled, "{status:?}");
        assert!(life.progress().reports[0].late);
    }
    let mut life = Life::in_state(State::Unknown);
    life.report(report(ReportStatus::Undelivered, Some("p1")))
        .unwrap();
    life.report(report(ReportStatus::Delivered, Some("p1")))
        .unwrap();
    assert_eq!(life.state(), State::Undelivered, "once");
    assert!(!life.progress().reports[1].late);
}

#[test]
fn a_report_in_time_is_not_late_whatever_it_says_of_itself() {
    let mut life = Life::in_state(State::Sent);
    let said = Report {
        late: true,
        ..report(ReportStatus::Delivered, Some("p1"))
    };
    life.report(said).unwrap();
    assert!(!life.progress().reports[0].late);
}

#[test]
fn buffered_does_not_lengthen_the_wait() {
    let mut life = Life::in_state(State::Sent);
    life.wait(100 * SECOND);
    life.report(report(ReportStatus::Buffered, Some("p1")))
        .unwrap();
    assert_eq!(life.waits(), DAY - 100 * SECOND);
}

#[test]
fn a_report_speaks_of_the_attempt_with_its_id() {
    let mut life = Life::new().with(PreferDuplicate);
    let first = life.claim();
    life.wait_until_ready();
    let second = life.claim();
    life.answer(first, accepted("p1")).unwrap();
    life.answer(second, accepted("p2")).unwrap();
    life.report(report(ReportStatus::Undelivered, Some("p1")))
        .unwrap();
    assert_eq!(life.attempt(1).report, Some(ReportStatus::Undelivered));
    assert_eq!(life.attempt(2).report, None);
    assert_eq!(
        life.state(),
        State::Sent,
        "the other copy is still on its way"
    );
    life.report(report(ReportStatus::Delivered, Some("p2")))
        .unwrap();
    assert_eq!(life.state(), State::Delivered);
}

#[test]
fn one_copy_delivered_is_delivered() {
    let mut life = Life::new().with(PreferDuplicate);
    life.submit(Outcome::Unknown);
    life.wait_until_ready();
    life.claim();
    life.report(report(ReportStatus::Delivered, Some("p1")))
        .unwrap();
    assert_eq!(life.state(), State::Delivered);
}

#[test]
fn both_copies_undelivered_is_undelivered() {
    let mut life = Life::new().with(PreferDuplicate);
    life.submit(Outcome::Unknown);
    life.wait_until_ready();
    life.submit(accepted("p2"));
    life.report(report(ReportStatus::Expired, Some("p2")))
        .unwrap();
    assert_eq!(life.state(), State::Sent);
    life.report(report(ReportStatus::Undelivered, Some("p1")))
        .unwrap();
    assert_eq!(life.state(), State::Undelivered);
}

/// It came under an id that no attempt had, and the newest attempt was waiting for its answer.
#[test]
fn a_report_that_was_taken_for_the_newer_attempts_finds_its_own() {
    let mut life = Life::new().with(PreferDuplicate);
    life.submit(Outcome::Unknown);
    life.wait_until_ready();
    let second = life.claim();
    life.report(report(ReportStatus::Undelivered, Some("p1")))
        .unwrap();
    life.answer(second, accepted("p2")).unwrap();
    assert_eq!(life.attempt(1).provider_id, Some(provider_id("p1")));
    assert_eq!(life.attempt(1).report, Some(ReportStatus::Undelivered));
    assert_eq!(life.attempt(2).provider_id, Some(provider_id("p2")));
    assert_eq!(life.state(), State::Sent);
    life.report(report(ReportStatus::Delivered, Some("p2")))
        .unwrap();
    assert_eq!(life.state(), State::Delivered);
}

#[test]
fn a_report_under_an_unknown_id_goes_to_an_attempt_without_one() {
    let mut life = Life::new().with(PreferDuplicate);
    life.submit(Outcome::Unknown);
    life.wait_until_ready();
    life.submit(accepted("p2"));
    life.report(report(ReportStatus::Delivered, Some("p1")))
        .unwrap();
    assert_eq!(life.attempt(1).provider_id, Some(provider_id("p1")));
    assert_eq!(life.attempt(1).report, Some(ReportStatus::Delivered));
}

#[test]
fn a_provider_that_deduplicates_has_one_message_for_all_attempts() {
    let mut life = Life::new().at(Kind::Deduplicates);
    life.submit(Outcome::Unknown);
    life.wait_until_ready();
    life.submit(Outcome::Duplicate {
        provider_id: Some(provider_id("p1")),
    });
    assert_eq!(life.state(), State::Sent);
    life.report(report(ReportStatus::Undelivered, Some("p1")))
        .unwrap();
    assert_eq!(life.state(), State::Undelivered);
}

#[test]
fn a_report_with_no_provider_id_settles_an_attempt_that_has_none_either() {
    let mut life = Life::new();
    life.submit(NAMELESS);
    life.reported(ReportStatus::Delivered).unwrap();
    assert_eq!(life.state(), State::Delivered);
}

#[test]
fn a_provider_that_repeats_itself_in_other_words_fills_no_store() {
    let mut life = Life::in_state(State::Sent);
    let babble = |n: u32, status| Report {
        code: Some(n.to_string()),
        ..report(status, Some("p1"))
    };
    for n in 0..16 {
        life.report(babble(n, ReportStatus::Buffered)).unwrap();
    }
    for n in 16..100 {
        let answer = life.report(babble(n, ReportStatus::Buffered));
        assert_eq!(answer, Err(Unchanged::Repeated), "nothing new, no room");
    }
    life.report(babble(100, ReportStatus::Delivered)).unwrap();
    assert_eq!(life.state(), State::Delivered);
    let kept = &life.progress().reports;
    assert_eq!(kept.len(), 16);
    assert_eq!(
        kept[15].status,
        ReportStatus::Delivered,
        "what matters is kept"
    );
}
