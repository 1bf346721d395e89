//! Taking a message back.

use sms_core::{Cause, Outcome, ReportStatus, State, Unchanged, UnknownPolicy};

use super::life::{DAY, Kind, Life, SECOND, UNAVAILABLE, accepted};

#[test]
fn cancel_in_every_state() {
    for state in State::ALL {
        let mut life = Life::in_state(state);
        let answer = life.cancel();
        match state {
            State::Scheduled | State::Queued => {
                assert_eq!(answer, Ok((false, false)));
                assert_eq!(
                    (life.state(), life.cause()),
                    (State::Canceled, Cause::Canceled)
                );
            }
            State::Sending | State::Unconfirmed => {
                assert_eq!(answer, Ok((false, false)));
                assert_eq!(life.state(), state);
                assert_eq!(life.progress().ending, Some(State::Canceled));
            }
            _ => assert_eq!(answer, Err(Unchanged::NotApplicable(state))),
        }
        let now = life.state();
        assert_eq!(life.cancel(), Err(Unchanged::NotApplicable(now)), "twice");
    }
}

#[test]
fn between_attempts_it_is_canceled_too() {
    let mut life = Life::new();
    life.submit(UNAVAILABLE);
    life.cancel().unwrap();
    assert_eq!(life.state(), State::Canceled);
}

#[test]
fn a_cancel_under_way_takes_effect_if_the_attempt_was_not_taken() {
    for outcome in [
        UNAVAILABLE,
        Outcome::Throttled { retry_after: None },
        Outcome::Unauthorized,
    ] {
        let mut life = Life::new();
        let token = life.claim();
        life.cancel().unwrap();
        life.answer(token, outcome).unwrap();
        assert_eq!(life.state(), State::Canceled);
    }
    let mut life = Life::new();
    let token = life.claim();
    life.cancel().unwrap();
    assert_eq!(
        life.give_back(token),
        Ok((false, false)),
        "nobody is hinted"
    );
    assert_eq!(life.state(), State::Canceled);
}

#[test]
fn a_cancel_under_way_is_too_late_if_the_attempt_was_taken() {
    let mut life = Life::new();
    let token = life.claim();
    life.cancel().unwrap();
    life.answer(token, accepted("p1")).unwrap();
    assert_eq!(life.state(), State::Sent);
    life.reported(ReportStatus::Delivered).unwrap();
    assert_eq!(life.state(), State::Delivered);
}

#[test]
fn a_refusal_says_more_than_a_cancel() {
    let mut life = Life::new();
    let token = life.claim();
    life.cancel().unwrap();
    life.answer(token, Outcome::Rejected).unwrap();
    assert_eq!(life.state(), State::Rejected);
}

/// Nothing is submitted again, and so there is no hurry to give up.
#[test]
fn a_canceled_unconfirmed_message_is_not_resent_and_keeps_its_window() {
    for (policy, kind) in [
        (UnknownPolicy::PreferDuplicate, Kind::Plain),
        (UnknownPolicy::Hold, Kind::Deduplicates),
    ] {
        let mut life = Life::new().with(policy).at(kind);
        let token = life.claim();
        life.answer(token, Outcome::Unknown).unwrap();
        life.wait(SECOND);
        life.cancel().unwrap();
        assert_eq!(life.waits(), DAY - SECOND);
        life.pass_deadline();
        assert_eq!(life.state(), State::Unknown);
    }
}

#[test]
fn a_canceled_unconfirmed_message_ends_as_canceled_once_known_untaken() {
    let mut life = Life::new();
    let token = life.claim();
    life.pass_deadline();
    life.cancel().unwrap();
    life.answer(token, UNAVAILABLE).unwrap();
    assert_eq!(life.state(), State::Canceled);
}

#[test]
fn a_queued_message_with_an_unresolved_attempt_is_held_not_canceled() {
    let mut life = Life::new().with(UnknownPolicy::PreferDuplicate);
    let token = life.claim();
    life.wait_until_ready();
    life.cancel().unwrap();
    assert_eq!(life.state(), State::Unconfirmed, "the provider may have it");
    assert!(life.try_claim().is_err());
    life.answer(token, accepted("p1")).unwrap();
    assert_eq!(life.state(), State::Sent);
}
