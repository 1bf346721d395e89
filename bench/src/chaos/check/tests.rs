//! That the check finds what was planted.

use std::time::Duration;

use sms_grpc::proto::v1::{Attempt, AttemptOutcome, Transition, UnknownPolicy};

use super::*;
use crate::chaos::{
    books::Counts,
    manner::{Desk, Manner},
};

fn transitions(states: &[State]) -> Vec<Transition> {
    let numbered = (1..).zip(states);
    numbered
        .map(|(sequence, state)| Transition {
            sequence,
            at: None,
            state: (*state).into(),
            cause: 0,
        })
        .collect()
}

fn attempt(number: u32, outcome: AttemptOutcome, from: i64, to: i64) -> Attempt {
    let time = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    Attempt {
        number,
        outcome: outcome.into(),
        started_at: time(from),
        finished_at: time(to),
        provider_id: format!("plain-{number}"),
        ..Attempt::default()
    }
}

fn call(manner: Manner, taken: bool) -> Call {
    Call {
        at: Duration::ZERO,
        desk: Desk::Plain,
        reference: "ref-1".to_owned(),
        body: 7,
        manner,
        taken: taken.then_some(Duration::ZERO),
    }
}

/// One message, accepted, taken and delivered.
fn books() -> Books {
    let path = [State::Queued, State::Sending, State::Sent, State::Delivered];
    let message = Message {
        id: "id-1".to_owned(),
        reference: "ref-1".to_owned(),
        text: sample::text(1, 0),
        on_unknown: UnknownPolicy::Hold.into(),
        state: State::Delivered.into(),
        version: 4,
        attempts: vec![attempt(1, AttemptOutcome::Accepted, 10, 11)],
        timeline: transitions(&path),
        ..Message::default()
    };
    let glimpse = Message {
        state: State::Sending.into(),
        version: 2,
        timeline: transitions(&path[..2]),
        ..message.clone()
    };
    Books {
        wishes: vec![Wish {
            number: 1,
            keyed: true,
            policy: UnknownPolicy::Hold,
            calls: 2,
            ids: vec!["id-1".to_owned()],
            failures: Vec::new(),
        }],
        calls: vec![call(Manner::Takes, true)],
        reports: vec![Posted {
            reference: "ref-1".to_owned(),
            provider_id: "plain-1".to_owned(),
            by_provider_id: true,
            delivered: Some(true),
            acknowledged: Some(Duration::ZERO),
            refusals: Vec::new(),
        }],
        messages: vec![message],
        glimpses: vec![glimpse],
        counts: vec![Counts {
            states: [("delivered".to_owned(), 1), ("sent".to_owned(), 0)].into(),
            overdue: 0.0,
        }],
    }
}

/// The rules that are broken once the books are falsified.
fn broken(falsify: impl FnOnce(&mut Books)) -> Vec<Rule> {
    let mut books = books();
    falsify(&mut books);
    let mut rules: Vec<_> = check(&books).iter().map(|breach| breach.rule).collect();
    rules.dedup();
    rules
}

fn end_as(books: &mut Books, state: State) {
    books.messages[0].state = state.into();
    let last = books.messages[0].timeline.last_mut().unwrap();
    last.state = state.into();
    books.counts.clear();
}

#[test]
fn true_books_balance() {
    assert_eq!(check(&books()), []);
}

#[test]
fn a_lost_message_is_found() {
    let rules = broken(|books| {
        books.messages.clear();
        books.calls.clear();
        books.glimpses.clear();
        books.counts.clear();
    });
    assert_eq!(rules, [Rule::Lost]);
}

#[test]
fn a_message_that_was_only_seen_and_is_gone_is_found() {
    assert_eq!(
        broken(|books| books.glimpses[0].id = "id-2".to_owned()),
        [Rule::Lost]
    );
}

#[test]
fn a_message_that_became_another_is_found() {
    let rules = broken(|books| {
        books.wishes[0].number = 2;
        books.wishes.push(Wish {
            number: 1,
            ids: Vec::new(),
            ..books.wishes[0].clone()
        });
    });
    assert_eq!(rules, [Rule::Lost]);
}

#[test]
fn a_message_that_nobody_asked_for_is_found() {
    let rules = broken(|books| books.wishes.clear());
    assert_eq!(rules, [Rule::Unexpected]);
}

#[test]
fn a_submission_of_no_message_is_found() {
    let rules = broken(|books| {
        books.calls.push(Call {
            reference: "ref-2".to_owned(),
            ..call(Manner::Takes, true)
        })
    });
    assert_eq!(rules, [Rule::Unexpected]);
}

#[test]
fn two_messages_under_one_key_are_found() {
    let second = |books: &mut Books| {
        let mut message = books.messages[0].clone();
        message.id = "id-2".to_owned();
        books.messages.push(message);
        books.counts.clear();
    };
    assert_eq!(broken(second), [Rule::Doubled]);
    let without_key = |books: &mut Books| {
        second(books);
        books.wishes[0].keyed = false;
    };
    assert_eq!(
        broken(without_key),
        [],
        "two calls without a key may make two"
    );
    let one_call = |books: &mut Books| {
        without_key(books);
        books.wishes[0].calls = 1;
    };
    assert_eq!(broken(one_call), [Rule::Doubled]);
}

#[test]
fn two_ids_for_one_key_are_found() {
    let rules = broken(|books| books.wishes[0].ids.push("id-2".to_owned()));
    assert_eq!(rules, [Rule::Lost, Rule::Doubled]);
}

#[test]
fn a_stuck_message_is_found() {
    let rules = broken(|books| {
        end_as(books, State::Sent);
        books.reports.clear();
    });
    assert!(rules.contains(&Rule::Stuck), "{rules:?}");
    let deadline = |books: &mut Books| books.messages[0].deadline = Some(Default::default());
    assert_eq!(broken(deadline), [Rule::Stuck]);
    assert_eq!(broken(|books| books.counts[0].overdue = 2.0), [Rule::Stuck]);
}

#[test]
fn a_submission_without_an_attempt_is_found() {
    let rules = broken(|books| books.calls.insert(0, call(Manner::Throttles, false)));
    assert_eq!(rules, [Rule::BeyondPolicy]);
    let given_back = broken(|books| {
        let outcome = AttemptOutcome::GivenBack;
        books.messages[0].attempts[0].outcome = outcome.into();
    });
    assert_eq!(given_back, [Rule::BeyondPolicy]);
}

fn second_attempt(books: &mut Books, first: Manner, taken: bool, policy: UnknownPolicy) {
    books.calls.insert(0, call(first, taken));
    let message = &mut books.messages[0];
    message.on_unknown = policy.into();
    message
        .attempts
        .insert(0, attempt(0, AttemptOutcome::Unknown, 1, 2));
}

#[test]
fn a_blind_resend_is_found() {
    for first in [
        Manner::Cuts,
        Manner::Hangs,
        Manner::Garbles,
        Manner::Refuses,
    ] {
        for policy in [UnknownPolicy::Hold, UnknownPolicy::PreferLoss] {
            let rules = broken(|books| second_attempt(books, first, false, policy));
            assert_eq!(rules, [Rule::BeyondPolicy], "{first:?} {policy:?}");
        }
    }
}

#[test]
fn another_call_after_a_clear_no_is_none() {
    for first in [Manner::Throttles, Manner::Unavailable] {
        let rules = broken(|books| second_attempt(books, first, false, UnknownPolicy::Hold));
        assert_eq!(rules, [], "{first:?}");
    }
}

#[test]
fn a_message_taken_twice_is_found_unless_its_policy_prefers_that() {
    let taken = |policy| broken(|books| second_attempt(books, Manner::TakesAndCuts, true, policy));
    assert_eq!(taken(UnknownPolicy::Hold), [Rule::BeyondPolicy]);
    assert_eq!(taken(UnknownPolicy::PreferLoss), [Rule::BeyondPolicy]);
    assert_eq!(taken(UnknownPolicy::PreferDuplicate), []);
}

#[test]
fn an_attempt_after_the_answer_is_found() {
    let late = |outcome| {
        broken(|books| {
            let attempts = &mut books.messages[0].attempts;
            attempts.insert(0, attempt(0, outcome, 1, 2));
        })
    };
    assert_eq!(late(AttemptOutcome::Accepted), [Rule::BeyondPolicy]);
    assert_eq!(late(AttemptOutcome::Throttled), []);
}

#[test]
fn other_bytes_are_found() {
    let rules = broken(|books| {
        let policy = UnknownPolicy::PreferDuplicate;
        second_attempt(books, Manner::Cuts, false, policy);
        books.calls[0].body = 8;
    });
    assert_eq!(rules, [Rule::BeyondPolicy]);
}

#[test]
fn a_state_that_says_something_else_than_the_report_is_found() {
    for state in [State::Undelivered, State::Unknown] {
        assert_eq!(
            broken(|books| end_as(books, state)),
            [Rule::Untrue],
            "{state:?}"
        );
    }
}

#[test]
fn a_report_that_names_no_message_settles_none() {
    let rules = broken(|books| {
        end_as(books, State::Unknown);
        books.messages[0].attempts[0].provider_id.clear();
    });
    assert_eq!(rules, []);
}

#[test]
fn a_state_without_its_reason_is_found() {
    let alone = |state| {
        broken(|books| {
            end_as(books, state);
            books.reports.clear();
            books.messages[0].timeline.remove(2);
        })
    };
    for state in [
        State::Delivered,
        State::Undelivered,
        State::Rejected,
        State::Failed,
        State::Expired,
        State::Canceled,
    ] {
        assert_eq!(alone(state), [Rule::Untrue], "{state:?}");
    }
    assert_eq!(alone(State::Unknown), []);
}

#[test]
fn a_state_that_went_back_is_found() {
    let wrong = [
        vec![
            State::Queued,
            State::Sending,
            State::Sent,
            State::Queued,
            State::Delivered,
        ],
        vec![
            State::Queued,
            State::Delivered,
            State::Sent,
            State::Delivered,
        ],
        vec![State::Queued, State::Undelivered, State::Delivered],
        vec![State::Queued, State::Sending, State::Sent],
    ];
    for path in wrong {
        let rules = broken(|books| {
            books.messages[0].timeline = transitions(&path);
            books.glimpses.clear();
        });
        assert_eq!(rules, [Rule::WentBack], "{path:?}");
    }
    let rules = broken(|books| books.messages[0].timeline[2].sequence = 2);
    assert!(rules.contains(&Rule::WentBack), "{rules:?}");
}

#[test]
fn what_was_seen_and_is_forgotten_is_found() {
    assert_eq!(
        broken(|books| books.glimpses[0].version = 5),
        [Rule::Forgotten]
    );
    let other_past = |books: &mut Books| {
        books.glimpses[0].timeline[1].state = State::Rejected.into();
    };
    assert_eq!(broken(other_past), [Rule::Forgotten]);
}

#[test]
fn a_wrong_count_is_found_at_every_process() {
    let off = |books: &mut Books| {
        let mut counts = books.counts[0].clone();
        counts.states.insert("sent".to_owned(), 1);
        books.counts.push(counts);
    };
    assert_eq!(broken(off), [Rule::Miscounted]);
    let missing = |books: &mut Books| books.counts[0].states.clear();
    assert_eq!(broken(missing), [Rule::Miscounted]);
}

#[test]
fn a_report_that_was_turned_away_is_found() {
    let rules = broken(|books| books.reports[0].refusals.push(404));
    assert_eq!(rules, [Rule::ReportRefused]);
    let rules = broken(|books| books.reports[0].acknowledged = None);
    assert_eq!(rules, [Rule::Stuck]);
}
