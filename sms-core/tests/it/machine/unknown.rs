//! Unknown outcomes: what each policy makes of them at each kind of provider.

use std::time::Duration;

use sms_core::UnknownPolicy::{Hold, PreferDuplicate, PreferLoss};
use sms_core::{AttemptOutcome, Cause, Outcome, ProviderRules, ReportStatus, State, UnknownPolicy};

use super::life::{DAY, Kind, LEASE, Life, SECOND, UNAVAILABLE, accepted, main_provider};

const CONFIRM: Duration = Duration::from_secs(30);
const POLICIES: [UnknownPolicy; 3] = [Hold, PreferDuplicate, PreferLoss];

fn unconfirmed(policy: UnknownPolicy, kind: Kind) -> Life {
    let mut life = Life::new().with(policy).at(kind);
    life.submit(Outcome::Unknown);
    assert_eq!(life.state(), State::Unconfirmed);
    life
}

#[test]
fn the_end_of_a_lease_is_an_unknown_outcome() {
    let mut life = Life::new();
    life.claim();
    assert_eq!(life.waits(), LEASE);
    assert_eq!(life.pass_deadline(), (false, false));
    assert_eq!(
        (life.state(), life.cause()),
        (State::Unconfirmed, Cause::LeaseEnded)
    );
    assert_eq!(life.outcome(1), Some(AttemptOutcome::Unknown));
}

#[test]
fn hold_waits_for_a_report_as_long_as_one_may_come_and_never_submits_again() {
    let mut life = unconfirmed(Hold, Kind::Plain);
    assert_eq!(life.waits(), DAY);
    life.pass_deadline();
    assert_eq!(
        (life.state(), life.cause()),
        (State::Unknown, Cause::Policy)
    );
    assert_eq!(life.progress().attempts.len(), 1);
}

#[test]
fn prefer_duplicate_submits_again_after_the_confirm_window() {
    let mut life = unconfirmed(PreferDuplicate, Kind::Plain);
    assert_eq!(life.waits(), CONFIRM);
    assert_eq!(life.pass_deadline(), (true, false));
    assert_eq!((life.state(), life.cause()), (State::Queued, Cause::Policy));
    assert!(life.try_claim().is_ok());
}

#[test]
fn prefer_loss_gives_up_after_the_confirm_window() {
    let mut life = unconfirmed(PreferLoss, Kind::Plain);
    assert_eq!(life.waits(), CONFIRM);
    life.pass_deadline();
    assert_eq!(
        (life.state(), life.cause()),
        (State::Unknown, Cause::Policy)
    );
}

#[test]
fn a_provider_that_deduplicates_is_tried_again_whatever_the_policy() {
    for policy in POLICIES {
        let mut life = unconfirmed(policy, Kind::Deduplicates);
        assert_eq!(life.waits(), 5 * SECOND, "an ordinary retry");
        assert_eq!(life.pass_deadline(), (true, false));
        assert_eq!(life.state(), State::Queued);
    }
}

#[test]
fn a_report_within_the_window_settles_it_under_every_policy_and_provider() {
    for policy in POLICIES {
        for kind in Kind::ALL {
            for (status, state) in [
                (ReportStatus::Buffered, State::Sent),
                (ReportStatus::Delivered, State::Delivered),
                (ReportStatus::Undelivered, State::Undelivered),
            ] {
                let mut life = unconfirmed(policy, kind);
                life.reported(status).unwrap();
                assert_eq!(life.state(), state, "{policy:?} {kind:?}");
            }
        }
    }
}

#[test]
fn resending_uses_up_retries_and_then_waits_out_the_window() {
    for (policy, kind) in [(PreferDuplicate, Kind::Plain), (Hold, Kind::Deduplicates)] {
        let mut life = Life::new().with(policy).at(kind).retried(2);
        for _ in 0..3 {
            life.wait_until_ready();
            life.submit(Outcome::Unknown);
        }
        assert_eq!(life.state(), State::Unconfirmed);
        assert_eq!(life.waits(), DAY, "from the latest attempt");
        life.pass_deadline();
        assert_eq!(life.state(), State::Unknown);
        assert_eq!(life.progress().attempts.len(), 3);
    }
}

/// The resubmission comes too late, but the report does not.
#[test]
fn when_the_validity_ends_over_it_the_report_is_still_waited_for() {
    for (policy, kind) in [(PreferDuplicate, Kind::Plain), (Hold, Kind::Deduplicates)] {
        let mut life = Life::new().with(policy).at(kind).valid_for(10 * SECOND);
        let token = life.claim();
        life.pass_deadline();
        life.wait(SECOND);
        assert_eq!(life.state(), State::Unconfirmed);
        assert_eq!(life.waits(), DAY - LEASE - SECOND, "{policy:?} {kind:?}");
        life.answer(token, accepted("p1")).unwrap();
        assert_eq!(life.state(), State::Sent);
    }
    let mut life = Life::new().with(PreferDuplicate).valid_for(20 * SECOND);
    life.submit(Outcome::Unknown);
    assert_eq!(life.waits(), CONFIRM);
    life.pass_deadline();
    assert_eq!(life.state(), State::Unconfirmed, "a report may still come");
    life.pass_deadline();
    assert_eq!(life.state(), State::Unknown);
}

#[test]
fn a_short_report_window_bounds_every_wait() {
    for policy in POLICIES {
        let mut life = Life::new().with(policy);
        let window = ProviderRules {
            report_window: 3 * SECOND,
            ..ProviderRules::default()
        };
        life.rules_mut().providers.insert(main_provider(), window);
        life.submit(Outcome::Unknown);
        assert_eq!(life.waits(), 3 * SECOND, "{policy:?}");
    }
}

#[test]
fn a_provider_that_is_no_longer_configured_is_taken_for_a_plain_one() {
    let mut life = unconfirmed(Hold, Kind::Deduplicates);
    life.rules_mut().providers.clear();
    life.pass_deadline();
    assert_eq!(life.state(), State::Unconfirmed, "never resent blindly");
    life.pass_deadline();
    assert_eq!(life.state(), State::Unknown);
}

#[test]
fn a_failure_after_a_silence_is_no_failure_of_the_message() {
    let mut life = Life::new().with(PreferDuplicate).retried(1);
    life.submit(Outcome::Unknown);
    life.wait_until_ready();
    life.submit(UNAVAILABLE);
    assert_eq!(life.state(), State::Unconfirmed);
    life.reported(ReportStatus::Delivered).unwrap();
    assert_eq!(life.state(), State::Delivered);
}

#[test]
fn what_was_taken_and_undelivered_does_not_hide_another_copy() {
    let mut life = Life::new().with(PreferDuplicate);
    let first = life.claim();
    life.wait_until_ready();
    life.submit(accepted("p2"));
    let undelivered = super::life::report(ReportStatus::Undelivered, Some("p2"));
    life.report(undelivered).unwrap();
    assert_eq!(life.state(), State::Sent, "nothing is sent a third time");
    let mut late = life.clone();
    late.answer(first, accepted("p1")).unwrap();
    let delivered = super::life::report(ReportStatus::Delivered, Some("p1"));
    late.report(delivered).unwrap();
    assert_eq!(late.state(), State::Delivered);
    life.pass_deadline();
    assert_eq!(life.state(), State::Undelivered);
}
