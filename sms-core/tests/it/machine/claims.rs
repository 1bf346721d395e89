//! Taking a message for an attempt, and giving it back.

use std::time::Duration;

use sms_core::{AttemptOutcome, Cause, ClaimToken, State, Unchanged};

use super::life::{LEASE, Life, SECOND, START, UNAVAILABLE, accepted};

#[test]
fn a_claim_writes_the_attempt_before_anything_is_sent() {
    let mut life = Life::new();
    life.wait(2 * SECOND);
    let token = life.claim();
    let attempt = life.attempt(1);
    assert_eq!((attempt.number, attempt.claim), (1, token));
    assert_eq!(attempt.started_at, START + 2 * SECOND);
    assert_eq!(attempt.lease_until, START + 2 * SECOND + LEASE);
    assert_eq!(life.progress().deadline, Some(attempt.lease_until));
    assert!(attempt.is_in_flight());
    assert_eq!(life.cause(), Cause::Claimed);
}

#[test]
fn of_two_claims_one_wins() {
    let mut life = Life::new();
    life.claim();
    let sending = Unchanged::NotApplicable(State::Sending);
    assert_eq!(life.try_claim(), Err(sending));
    assert_eq!(life.progress().attempts.len(), 1);
}

#[test]
fn a_claim_whose_answer_was_lost_knows_itself() {
    let mut life = Life::new();
    let token = life.claim();
    let again = life.claim_event(token);
    assert_eq!(life.apply(&again), Err(Unchanged::Repeated));
}

#[test]
fn only_a_queued_message_is_claimed() {
    for state in State::ALL {
        let mut life = Life::in_state(state);
        let claimed = life.try_claim();
        if state == State::Queued {
            assert!(claimed.is_ok());
        } else {
            assert_eq!(claimed, Err(Unchanged::NotApplicable(state)));
        }
    }
}

#[test]
fn a_message_that_waits_for_its_retry_is_not_claimed() {
    let mut life = Life::new();
    life.submit(UNAVAILABLE);
    life.wait(5 * SECOND - Duration::from_millis(1));
    assert_eq!(life.try_claim(), Err(Unchanged::NotDue));
    life.wait(Duration::from_millis(1));
    assert!(life.try_claim().is_ok());
}

#[test]
fn a_claim_at_the_end_of_the_validity_expires_the_message() {
    let mut life = Life::new().valid_for(60 * SECOND);
    life.wait(60 * SECOND);
    life.try_claim().unwrap();
    assert_eq!(
        (life.state(), life.cause()),
        (State::Expired, Cause::Expired)
    );
    assert_eq!(life.progress().attempts.len(), 0);
}

#[test]
fn what_is_given_back_is_queued_at_once_and_hinted() {
    let mut life = Life::new();
    let token = life.claim();
    assert_eq!(life.give_back(token), Ok((true, false)));
    assert_eq!(
        (life.state(), life.cause()),
        (State::Queued, Cause::GivenBack)
    );
    assert_eq!(life.progress().ready_at, None);
    assert_eq!(life.outcome(1), Some(AttemptOutcome::GivenBack));
    assert!(life.try_claim().is_ok());
}

#[test]
fn giving_back_uses_up_no_retry() {
    let mut life = Life::new().retried(0);
    for _ in 0..100 {
        let token = life.claim();
        life.give_back(token).unwrap();
    }
    life.submit(accepted("p1"));
    assert_eq!(life.state(), State::Sent);
}

#[test]
fn a_claim_that_was_given_back_late_was_not_unknown_after_all() {
    let mut life = Life::new();
    let token = life.claim();
    life.pass_deadline();
    assert_eq!(life.state(), State::Unconfirmed);
    assert_eq!(life.give_back(token), Ok((true, false)));
    assert_eq!(life.state(), State::Queued);
}

#[test]
fn nothing_is_given_back_twice_or_after_an_answer_or_by_a_stranger() {
    let mut life = Life::new();
    let token = life.claim();
    life.give_back(token).unwrap();
    let queued = Unchanged::NotApplicable(State::Queued);
    assert_eq!(life.give_back(token), Err(queued));
    let token = life.submit(accepted("p1"));
    let sent = Unchanged::NotApplicable(State::Sent);
    assert_eq!(life.give_back(token), Err(sent));
    let stranger = ClaimToken(u64::MAX);
    assert_eq!(life.give_back(stranger), Err(Unchanged::NoSuchAttempt));
}

#[test]
fn giving_back_near_the_end_of_the_validity_expires() {
    let mut life = Life::new().valid_for(60 * SECOND);
    let token = life.claim();
    life.wait(60 * SECOND);
    life.give_back(token).unwrap();
    assert_eq!(life.state(), State::Expired);
}
