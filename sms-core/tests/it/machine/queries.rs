//! Asking the provider what became of a message.

use sms_core::{AttemptOutcome, Cause, Outcome, QueryAnswer, ReportStatus, State, Unchanged};
use sms_core::{ProviderRules, UnknownPolicy};

use super::life::{DAY, Kind, LEASE, Life, SECOND, accepted, main_provider, provider_id, report};

fn taken(status: Option<ReportStatus>) -> QueryAnswer {
    QueryAnswer::Taken {
        provider_id: Some(provider_id("q1")),
        status,
    }
}

fn unconfirmed() -> Life {
    let mut life = Life::new().at(Kind::AnswersQueries);
    life.claim();
    life.pass_deadline();
    life
}

#[test]
fn the_provider_is_asked_ever_more_rarely_until_its_window_ends() {
    let mut life = unconfirmed();
    let mut waits = Vec::new();
    while life.state() == State::Unconfirmed {
        waits.push(life.waits().as_secs());
        let (hint, query) = life.pass_deadline();
        assert!(!hint);
        assert_eq!(query, life.state() == State::Unconfirmed);
    }
    assert_eq!(waits[..5], [15, 15, 30, 60, 120]);
    assert!(waits.len() < 16, "{waits:?}");
    let held = (DAY - LEASE).as_secs();
    assert_eq!(
        waits.iter().sum::<u64>(),
        held,
        "the window counts from the attempt"
    );
    assert_eq!(life.state(), State::Unknown);
}

#[test]
fn each_answer_leads_to_its_state() {
    for (answer, state, outcome) in [
        (taken(None), State::Sent, AttemptOutcome::Accepted),
        (
            taken(Some(ReportStatus::Buffered)),
            State::Sent,
            AttemptOutcome::Accepted,
        ),
        (
            taken(Some(ReportStatus::Delivered)),
            State::Delivered,
            AttemptOutcome::Accepted,
        ),
        (
            taken(Some(ReportStatus::Expired)),
            State::Undelivered,
            AttemptOutcome::Accepted,
        ),
        (
            QueryAnswer::NotTaken,
            State::Queued,
            AttemptOutcome::Unavailable,
        ),
    ] {
        let mut life = unconfirmed();
        life.query(answer.clone()).unwrap();
        assert_eq!((life.state(), life.outcome(1)), (state, Some(outcome)));
        assert_eq!(life.cause(), Cause::Queried);
        let now = life.state();
        let twice = life.query(answer);
        assert_eq!(twice, Err(Unchanged::NotApplicable(now)));
    }
}

#[test]
fn an_answer_that_does_not_know_changes_nothing() {
    let mut life = unconfirmed();
    assert_eq!(life.query(QueryAnswer::Unknown), Err(Unchanged::Repeated));
}

#[test]
fn an_answer_is_passed_over_in_every_other_state() {
    for state in State::ALL {
        if state != State::Unconfirmed {
            let mut life = Life::in_state(state);
            let answer = life.query(taken(None));
            assert_eq!(answer, Err(Unchanged::NotApplicable(state)));
        }
    }
}

#[test]
fn not_taken_uses_up_a_retry() {
    let mut life = Life::new().at(Kind::AnswersQueries).retried(0);
    life.submit(Outcome::Unknown);
    life.query(QueryAnswer::NotTaken).unwrap();
    assert_eq!(life.state(), State::Failed);
}

#[test]
fn not_taken_is_said_of_every_attempt() {
    let mut life = Life::new()
        .at(Kind::AnswersQueries)
        .with(UnknownPolicy::PreferDuplicate)
        .retried(1);
    life.submit(Outcome::Unknown);
    life.wait_until_ready();
    life.submit(Outcome::Unknown);
    life.query(QueryAnswer::NotTaken).unwrap();
    assert_eq!(life.state(), State::Failed);
}

/// All attempts at such a provider are one message.
#[test]
fn what_became_of_one_is_said_of_all_where_the_provider_deduplicates() {
    let mut life = Life::new().retried(1);
    let both = ProviderRules {
        deduplicates: true,
        answers_queries: true,
        ..ProviderRules::default()
    };
    life.rules_mut().providers.insert(main_provider(), both);
    life.submit(Outcome::Unknown);
    life.wait_until_ready();
    life.submit(Outcome::Unknown);
    assert_eq!(life.pass_deadline(), (false, true), "retries are used up");
    life.query(taken(Some(ReportStatus::Undelivered))).unwrap();
    assert_eq!(life.state(), State::Undelivered);
}

#[test]
fn a_report_that_came_first_is_not_overruled() {
    let mut life = unconfirmed();
    life.report(report(ReportStatus::Delivered, Some("q1")))
        .unwrap();
    assert!(life.query(QueryAnswer::NotTaken).is_err());
    assert_eq!(life.state(), State::Delivered);
}

#[test]
fn a_canceled_message_is_still_asked_for_and_ends_as_canceled() {
    let mut life = unconfirmed();
    life.wait(SECOND);
    life.cancel().unwrap();
    assert_eq!(life.pass_deadline(), (false, true));
    let mut sent = life.clone();
    sent.query(taken(None)).unwrap();
    assert_eq!(sent.state(), State::Sent);
    life.query(QueryAnswer::NotTaken).unwrap();
    assert_eq!(life.state(), State::Canceled);
}

#[test]
fn hold_submits_again_once_the_provider_says_that_it_has_nothing() {
    let mut life = unconfirmed();
    life.query(QueryAnswer::NotTaken).unwrap();
    life.pass_deadline();
    life.submit(accepted("p2"));
    assert_eq!(life.state(), State::Sent);
}
