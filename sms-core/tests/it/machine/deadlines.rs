//! What happens by itself when its time has come.

use std::time::Duration;

use sms_core::{Cause, Event, State, Unchanged};

use super::life::{DAY, Life, SECOND, START, UNAVAILABLE};

#[test]
fn a_deadline_in_every_state() {
    for state in State::ALL {
        let mut life = Life::in_state(state);
        if state.is_final() {
            assert_eq!(life.deadline(), Err(Unchanged::NotApplicable(state)));
            continue;
        }
        assert_eq!(life.deadline(), Err(Unchanged::NotDue), "{state}");
        let effects = life.pass_deadline();
        let (after, hint) = match state {
            State::Scheduled | State::Queued => (State::Queued, true),
            State::Sending => (State::Unconfirmed, false),
            _ => (State::Unknown, false),
        };
        assert_eq!((life.state(), effects), (after, (hint, false)), "{state}");
    }
}

#[test]
fn a_scheduled_message_becomes_queued_at_its_time() {
    let mut life = Life::scheduled(START + 60 * SECOND);
    assert!(life.try_claim().is_err());
    assert_eq!(life.waits(), 60 * SECOND);
    assert_eq!(life.pass_deadline(), (true, false));
    assert_eq!((life.state(), life.cause()), (State::Queued, Cause::Due));
    assert!(life.try_claim().is_ok());
}

#[test]
fn a_scheduled_message_that_nobody_woke_in_time_expires() {
    let mut life = Life::scheduled(START + 60 * SECOND);
    life.wait(2 * DAY);
    assert_eq!(life.deadline(), Ok((false, false)));
    assert_eq!(
        (life.state(), life.cause()),
        (State::Expired, Cause::Expired)
    );
}

#[test]
fn a_queued_message_that_nobody_claims_is_hinted_ever_more_rarely() {
    let mut life = Life::new();
    let mut waits = Vec::new();
    while life.state() == State::Queued {
        waits.push(life.waits().as_secs());
        life.pass_deadline();
    }
    assert_eq!(life.state(), State::Expired);
    assert_eq!(waits[..6], [5, 20, 100, 500, 2_500, 3_600]);
    assert!(waits.len() < 32, "{} times a day", waits.len());
    assert_eq!(
        waits.iter().sum::<u64>(),
        24 * 3_600,
        "to the end of its validity"
    );
}

#[test]
fn a_message_that_is_still_in_line_is_not_hinted_again() {
    let minute = Duration::from_secs(60);
    let deadline = Event::Deadline {
        expected_wait: 10 * minute,
    };
    let mut life = Life::new();
    life.wait(minute);
    assert_eq!(life.apply(&deadline), Ok((false, false)));
    assert_eq!(life.waits(), 9 * minute, "until its turn should come");
    life.wait(9 * minute);
    assert_eq!(
        life.apply(&deadline),
        Ok((true, false)),
        "its hint was lost"
    );
    assert_eq!(life.waits(), 40 * minute);
}

/// After an outage the first messages tell of long waits, which are over.
#[test]
fn a_message_that_seems_to_be_in_line_after_an_outage_is_looked_at_again_soon() {
    let after = |expected_wait| Event::Deadline { expected_wait };
    let mut life = Life::new();
    life.wait(25 * SECOND);
    assert_eq!(life.apply(&after(26 * SECOND)), Ok((false, false)));
    assert_eq!(life.waits(), 5 * SECOND);
    life.wait(5 * SECOND);
    assert_eq!(life.apply(&after(SECOND)), Ok((true, false)));
}

#[test]
fn a_message_in_line_ends_with_its_validity() {
    let deadline = Event::Deadline {
        expected_wait: 100 * SECOND,
    };
    let mut life = Life::new().valid_for(20 * SECOND);
    life.wait(5 * SECOND);
    assert_eq!(life.apply(&deadline), Ok((false, false)));
    assert_eq!(life.waits(), 15 * SECOND);
    life.pass_deadline();
    assert_eq!(life.state(), State::Expired);
}

#[test]
fn a_retry_that_is_due_is_hinted_however_long_the_line() {
    let mut life = Life::new();
    life.submit(UNAVAILABLE);
    life.wait(5 * SECOND);
    let deadline = Event::Deadline {
        expected_wait: 100 * SECOND,
    };
    assert_eq!(life.apply(&deadline), Ok((true, false)));
    assert_eq!(life.progress().ready_at, None);
    assert_eq!(life.waits(), 400 * SECOND);
}

#[test]
fn validity_ends_a_queued_message_at_its_time() {
    let mut life = Life::new().valid_for(3 * SECOND);
    life.message.progress.deadline = Some(START + 3 * SECOND);
    life.pass_deadline();
    assert_eq!(
        (life.state(), life.cause()),
        (State::Expired, Cause::Expired)
    );
    assert_eq!(life.now, START + 3 * SECOND);
}
