//! Trying again, and when to stop.

use std::time::Duration;

use sms_core::{Jitter, Outcome, RetrySchedule, State};

use super::life::{DAY, Life, SECOND, THROTTLED, UNAVAILABLE, accepted};

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Hears this at every attempt until the end; says how long it waited before each further one.
fn delays_until_the_end(life: &mut Life, outcome: &Outcome, most: usize) -> Vec<u64> {
    let mut delays = Vec::new();
    while !life.state().is_final() && delays.len() < most {
        life.submit(outcome.clone());
        if life.state() == State::Queued {
            assert_eq!(life.progress().ready_at, life.progress().deadline);
            delays.push(life.waits().as_secs());
            assert_eq!(life.pass_deadline(), (true, false), "a retry is hinted");
        }
    }
    delays
}

#[test]
fn delays_double_up_to_the_cap_and_end_after_eleven_retries() {
    let mut life = Life::new();
    let delays = delays_until_the_end(&mut life, &UNAVAILABLE, 100);
    assert_eq!(delays, [5, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600]);
    assert_eq!(life.state(), State::Failed);
    assert_eq!(life.progress().attempts.len(), 12);
}

#[test]
fn without_retries_the_first_failure_is_the_end() {
    let mut life = Life::new().retried(0);
    life.submit(UNAVAILABLE);
    assert_eq!(life.state(), State::Failed);
}

#[test]
fn the_default_delays_are_spread_between_one_second_and_the_whole() {
    let mut spread = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let mut life = Life::new();
        life.rules_mut().retry = RetrySchedule::default();
        life.submit(UNAVAILABLE);
        let wait = life.waits();
        assert!((SECOND..=5 * SECOND).contains(&wait), "{wait:?}");
        spread.insert(wait);
    }
    assert!(spread.len() > 40, "{spread:?}");
}

#[test]
fn throttled_and_unauthorized_use_up_no_retries() {
    for outcome in [THROTTLED, Outcome::Unauthorized] {
        let mut life = Life::new().retried(2);
        let delays = delays_until_the_end(&mut life, &outcome, 40);
        assert_eq!(delays.len(), 40, "{outcome:?} came to an end");
        assert_eq!(delays[..8], [5, 10, 20, 40, 80, 160, 320, 600]);
        // All retries are still there.
        let delays = delays_until_the_end(&mut life, &UNAVAILABLE, 40);
        assert_eq!((delays, life.state()), (vec![5, 10], State::Failed));
    }
}

#[test]
fn throttled_in_between_does_not_reset_the_delays_of_failures() {
    let mut life = Life::new();
    let mut waited = Vec::new();
    for outcome in [UNAVAILABLE, THROTTLED, UNAVAILABLE, THROTTLED, UNAVAILABLE] {
        life.submit(outcome);
        waited.push(life.waits().as_secs());
        life.pass_deadline();
    }
    assert_eq!(waited, [5, 5, 10, 5, 20]);
}

#[test]
fn the_provider_may_ask_for_a_longer_wait_but_not_for_a_shorter_one() {
    for (wish, wait) in [
        (Some(seconds(90)), 90),
        (Some(Duration::ZERO), 5),
        (None, 5),
    ] {
        for outcome in [
            Outcome::Throttled { retry_after: wish },
            Outcome::Unavailable { retry_after: wish },
        ] {
            let mut life = Life::new();
            life.submit(outcome);
            assert_eq!(life.waits(), seconds(wait), "{wish:?}");
        }
    }
}

#[test]
fn a_retry_that_would_come_after_the_validity_is_not_waited_for() {
    let mut life = Life::new().valid_for(seconds(60));
    life.wait(seconds(54));
    life.submit(UNAVAILABLE);
    assert_eq!((life.state(), life.waits()), (State::Queued, seconds(5)));
    let mut life = Life::new().valid_for(seconds(60));
    life.wait(seconds(55));
    life.submit(UNAVAILABLE);
    assert_eq!(life.state(), State::Expired);
    let mut life = Life::new().valid_for(seconds(3_600));
    life.submit(Outcome::Throttled {
        retry_after: Some(seconds(3_600)),
    });
    assert_eq!(life.state(), State::Expired);
}

/// Else a wish of a day, which most messages do not live, would end them unsent.
#[test]
fn the_provider_may_ask_for_an_hour_at_a_time() {
    for outcome in [
        Outcome::Throttled {
            retry_after: Some(DAY),
        },
        Outcome::Unavailable {
            retry_after: Some(DAY),
        },
    ] {
        let mut life = Life::new();
        life.submit(outcome);
        assert_eq!(life.waits(), seconds(3_600));
        life.pass_deadline();
        life.submit(accepted("p2"));
        assert_eq!(life.state(), State::Sent);
    }
}

#[test]
fn a_rejected_message_is_not_tried_again() {
    let mut life = Life::new();
    life.submit(UNAVAILABLE);
    life.pass_deadline();
    life.submit(Outcome::Rejected);
    assert_eq!(life.state(), State::Rejected);
}

#[test]
fn a_retry_succeeds() {
    let mut life = Life::new();
    life.submit(UNAVAILABLE);
    life.pass_deadline();
    life.submit(accepted("p2"));
    assert_eq!(life.state(), State::Sent);
    assert_eq!(life.progress().attempts.len(), 2);
}

#[test]
fn a_message_throttled_all_day_keeps_what_matters_of_its_history() {
    let mut life = Life::new();
    life.submit(UNAVAILABLE);
    life.pass_deadline();
    delays_until_the_end(&mut life, &THROTTLED, 100);
    let progress = life.progress();
    assert_eq!(progress.attempts.len(), 32);
    assert_eq!(progress.attempts[0].number, 1, "it used up a retry");
    assert_eq!(progress.attempts.last().unwrap().number, 101);
    assert_eq!(progress.timeline.len(), 64);
    let sequences: Vec<u32> = progress.timeline.iter().map(|one| one.sequence).collect();
    assert_eq!(sequences[..4], [1, 2, 3, 4]);
    assert_eq!(sequences[63] - sequences[4], 59, "the latest ones follow");
}

#[test]
fn a_schedule_without_jitter_waits_exactly() {
    let retry = RetrySchedule::new(seconds(1), seconds(4), 3, Jitter::None).unwrap();
    let mut life = Life::new();
    life.rules_mut().retry = retry;
    assert_eq!(delays_until_the_end(&mut life, &UNAVAILABLE, 10), [1, 2, 4]);
}
