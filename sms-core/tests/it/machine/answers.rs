//! What a provider's answer to a submission does.

use std::net::{IpAddr, Ipv4Addr};

use sms_core::{
    Answer, AttemptOutcome, Cause, ClaimToken, Event, Outcome, QueryAnswer, ReportStatus, State,
    Unchanged, UnknownPolicy,
};

use super::life::{
    DAY, Kind, Life, NAMELESS, SECOND, THROTTLED, UNAVAILABLE, accepted, provider_id, report,
};

fn with_words(outcome: Outcome) -> Answer {
    Answer {
        code: Some("0".into()),
        description: Some("ok".into()),
        node: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))),
        ..outcome.into()
    }
}

#[test]
fn each_answer_leads_to_its_state() {
    let duplicate = Outcome::Duplicate { provider_id: None };
    for (outcome, recorded, state) in [
        (accepted("p1"), AttemptOutcome::Accepted, State::Sent),
        (NAMELESS, AttemptOutcome::Accepted, State::Sent),
        (duplicate, AttemptOutcome::Duplicate, State::Sent),
        (Outcome::Rejected, AttemptOutcome::Rejected, State::Rejected),
        (THROTTLED, AttemptOutcome::Throttled, State::Queued),
        (UNAVAILABLE, AttemptOutcome::Unavailable, State::Queued),
        (
            Outcome::Unauthorized,
            AttemptOutcome::Unauthorized,
            State::Queued,
        ),
        (
            Outcome::Unknown,
            AttemptOutcome::Unknown,
            State::Unconfirmed,
        ),
    ] {
        let mut life = Life::new();
        life.submit(outcome.clone());
        assert_eq!(life.outcome(1), Some(recorded), "{outcome:?}");
        assert_eq!(life.state(), state, "{outcome:?}");
        assert_eq!(life.cause(), Cause::Answered);
        assert_eq!(life.attempt(1).finished_at, Some(life.now));
    }
}

#[test]
fn an_accepted_message_waits_for_its_report_for_a_day() {
    let mut life = Life::new();
    life.submit(accepted("p1"));
    assert_eq!(life.waits(), DAY);
    life.pass_deadline();
    assert_eq!(
        (life.state(), life.cause()),
        (State::Unknown, Cause::ReportWindowEnded)
    );
}

#[test]
fn an_answer_keeps_the_providers_words() {
    let mut life = Life::new();
    let token = life.claim();
    life.answer(token, with_words(accepted("p1"))).unwrap();
    let attempt = life.attempt(1);
    assert_eq!(attempt.provider_id, Some(provider_id("p1")));
    assert_eq!(attempt.code.as_deref(), Some("0"));
    assert_eq!(attempt.description.as_deref(), Some("ok"));
    assert_eq!(attempt.node, with_words(NAMELESS).node);
}

#[test]
fn an_answer_that_comes_twice_counts_once() {
    for outcome in [
        accepted("p1"),
        Outcome::Rejected,
        THROTTLED,
        UNAVAILABLE,
        Outcome::Unauthorized,
        Outcome::Unknown,
    ] {
        let mut life = Life::new();
        let token = life.claim();
        let answer = with_words(outcome);
        life.answer(token, answer.clone()).unwrap();
        assert_eq!(life.answer(token, answer), Err(Unchanged::Repeated));
    }
}

#[test]
fn an_answer_to_an_attempt_that_never_was_is_passed_over() {
    let mut life = Life::new();
    life.claim();
    let stranger = ClaimToken(u64::MAX);
    assert_eq!(
        life.answer(stranger, accepted("p1")),
        Err(Unchanged::NoSuchAttempt)
    );
}

/// The lease is over, and then the worker comes with a known answer.
#[test]
fn any_known_answer_settles_what_was_unknown() {
    for (outcome, state) in [
        (accepted("p1"), State::Sent),
        (Outcome::Rejected, State::Rejected),
        (UNAVAILABLE, State::Queued),
    ] {
        let mut life = Life::new();
        let token = life.claim();
        life.pass_deadline();
        assert_eq!(life.state(), State::Unconfirmed);
        life.answer(token, outcome).unwrap();
        assert_eq!(life.state(), state);
    }
}

#[test]
fn a_late_acceptance_beats_a_pending_retry() {
    let mut life = Life::new().with(UnknownPolicy::PreferDuplicate);
    let token = life.claim();
    life.wait_until_ready();
    assert_eq!(life.progress().attempts.len(), 1);
    life.answer(token, accepted("p1")).unwrap();
    assert_eq!(life.state(), State::Sent);
    assert!(life.try_claim().is_err());
}

#[test]
fn a_late_acceptance_of_an_older_attempt_counts_whatever_the_newer_one_hears() {
    for outcome in [
        UNAVAILABLE,
        THROTTLED,
        Outcome::Rejected,
        Outcome::Unknown,
        accepted("p2"),
    ] {
        for late in [false, true] {
            let mut life = Life::new().with(UnknownPolicy::PreferDuplicate);
            let first = life.claim();
            life.wait_until_ready();
            let second = life.claim();
            if late {
                life.answer(second, outcome.clone()).unwrap();
                life.answer(first, accepted("p1")).unwrap();
            } else {
                life.answer(first, accepted("p1")).unwrap();
                assert_eq!(life.state(), State::Sending, "the newer one is under way");
                life.answer(second, outcome.clone()).unwrap();
            }
            assert_eq!(life.state(), State::Sent, "{outcome:?}, late: {late}");
        }
    }
}

/// A refusal of attempt 2 says nothing about attempt 1.
#[test]
fn no_untaken_end_while_an_older_attempt_is_unresolved() {
    for (outcome, retries, end) in [
        (UNAVAILABLE, 1, State::Failed),
        (Outcome::Rejected, 5, State::Rejected),
    ] {
        let mut life = Life::new()
            .with(UnknownPolicy::PreferDuplicate)
            .retried(retries);
        let first = life.claim();
        life.wait_until_ready();
        life.submit(outcome);
        assert_eq!(life.state(), State::Unconfirmed);
        assert_eq!(life.progress().ending, Some(end));
        let mut settled = life.clone();
        settled.answer(first, UNAVAILABLE).unwrap();
        assert_eq!(settled.state(), end);
        life.pass_deadline();
        assert_eq!(life.state(), State::Unknown, "nobody will ever know");
    }
}

#[test]
fn an_answer_after_the_end_is_kept_as_a_fact_and_changes_no_state() {
    let mut life = Life::new();
    let token = life.claim();
    life.pass_deadline();
    life.pass_deadline();
    assert_eq!(life.state(), State::Unknown);
    life.answer(token, accepted("p1")).unwrap();
    assert_eq!(life.state(), State::Unknown);
    assert_eq!(life.attempt(1).provider_id, Some(provider_id("p1")));
    let delivered = report(ReportStatus::Delivered, Some("p1"));
    life.report(delivered).unwrap();
    assert_eq!(life.state(), State::Delivered);
}

#[test]
fn a_report_before_the_answer_leaves_room_for_the_answers_words() {
    let mut life = Life::new();
    let token = life.claim();
    life.report(report(ReportStatus::Delivered, Some("p1")))
        .unwrap();
    assert_eq!(life.state(), State::Delivered);
    life.answer(token, with_words(accepted("p1"))).unwrap();
    assert_eq!(life.attempt(1).code.as_deref(), Some("0"));
    assert!(life.attempt(1).node.is_some());
    assert_eq!(
        life.answer(token, with_words(accepted("p1"))),
        Err(Unchanged::Repeated)
    );
}

#[test]
fn a_refusal_after_a_report_is_not_believed() {
    for outcome in [Outcome::Rejected, UNAVAILABLE, Outcome::Unknown] {
        let mut life = Life::new();
        let token = life.claim();
        life.reported(ReportStatus::Buffered).unwrap();
        assert_eq!(life.state(), State::Sent);
        let refused = life.answer(token, with_words(outcome));
        assert_eq!(refused, Err(Unchanged::Repeated));
        assert_eq!(life.outcome(1), Some(AttemptOutcome::Accepted));
    }
}

/// The question crossed the request on its way.
#[test]
fn a_late_acceptance_beats_a_query_that_found_nothing() {
    let mut life = Life::new().at(Kind::AnswersQueries);
    let token = life.claim();
    life.pass_deadline();
    life.query(QueryAnswer::NotTaken).unwrap();
    assert_eq!(life.state(), State::Queued);
    life.wait(SECOND);
    life.answer(token, accepted("p1")).unwrap();
    assert_eq!(life.state(), State::Sent);
}

/// Later reports name the id of the answer, so that is the one by which the message is found.
#[test]
fn the_id_of_the_answer_stands_whichever_came_first() {
    for kind in Kind::ALL {
        let reported = report(ReportStatus::Buffered, Some("of-report"));
        let mut report_first = Life::new().at(kind);
        let token = report_first.claim();
        report_first.report(reported.clone()).unwrap();
        report_first.answer(token, accepted("of-answer")).unwrap();
        let mut answer_first = Life::new().at(kind);
        let token = answer_first.claim();
        answer_first.answer(token, accepted("of-answer")).unwrap();
        answer_first.report(reported).unwrap();
        for mut life in [report_first, answer_first] {
            let id = life.attempt(1).provider_id.clone();
            assert_eq!(id, Some(provider_id("of-answer")), "{kind:?}");
            assert_eq!(life.message.progress.reports.len(), 1);
            life.report(report(ReportStatus::Delivered, Some("of-report")))
                .unwrap();
            assert_eq!(life.state(), State::Delivered, "{kind:?}");
        }
    }
}

#[test]
fn an_answer_that_is_repeated_over_the_id_of_a_report_is_no_news() {
    let mut life = Life::new();
    let token = life.claim();
    life.report(report(ReportStatus::Buffered, Some("of-report")))
        .unwrap();
    life.answer(token, accepted("of-answer")).unwrap();
    let answer = accepted("of-answer").into();
    let repeated = life.apply(&Event::Answered { token, answer });
    assert_eq!(repeated, Err(Unchanged::Repeated));
}
