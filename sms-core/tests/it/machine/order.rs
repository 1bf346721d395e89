//! The same events in any order lead to the same state.

use sms_core::UnknownPolicy::{Hold, PreferDuplicate, PreferLoss};
use sms_core::{ClaimToken, Event, Outcome, ReportStatus, State, UnknownPolicy};

use super::life::{Kind, Life, SECOND, UNAVAILABLE, accepted, report};

fn answered(token: ClaimToken, outcome: Outcome) -> Event {
    let answer = outcome.into();
    Event::Answered { token, answer }
}

fn reported(status: ReportStatus, id: &str) -> Event {
    Event::Reported(report(status, Some(id)))
}

const LEASE_ENDS: Event = Event::Deadline {
    expected_wait: std::time::Duration::ZERO,
};

fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders(count - 1);
    let insert = |order: &Vec<usize>, at: usize| {
        let mut longer = order.clone();
        longer.insert(at, count - 1);
        longer
    };
    shorter
        .iter()
        .flat_map(|order| (0..count).map(move |at| insert(order, at)))
        .collect()
}

/// Applies the events in every order, each also twice, at one time when the lease has ended.
fn assert_any_order(life: &Life, events: &[Event], expected: State) {
    for order in orders(events.len()) {
        for repeats in 1..=2 {
            let mut life = life.clone();
            for at in &order {
                for _ in 0..repeats {
                    let _ = life.apply(&events[*at]);
                }
            }
            let told: Vec<&Event> = order.iter().map(|at| &events[*at]).collect();
            assert_eq!(life.state(), expected, "{repeats} times each: {told:#?}");
        }
    }
}

fn after_one_claim(policy: UnknownPolicy, kind: Kind) -> (Life, ClaimToken) {
    let mut life = Life::new().with(policy).at(kind);
    let token = life.claim();
    life.wait(61 * SECOND);
    (life, token)
}

#[test]
fn one_attempt() {
    use ReportStatus::{Buffered, Delivered, Expired, Undelivered};
    for policy in [Hold, PreferDuplicate, PreferLoss] {
        for kind in Kind::ALL {
            let (life, token) = after_one_claim(policy, kind);
            let taken = answered(token, accepted("p1"));
            let buffered = reported(Buffered, "p1");
            for (events, state) in [
                (vec![taken.clone(), LEASE_ENDS], State::Sent),
                (vec![taken.clone(), LEASE_ENDS, Event::Cancel], State::Sent),
                (
                    vec![buffered.clone(), LEASE_ENDS, Event::Cancel],
                    State::Sent,
                ),
                (
                    vec![
                        taken.clone(),
                        buffered.clone(),
                        LEASE_ENDS,
                        reported(Delivered, "p1"),
                    ],
                    State::Delivered,
                ),
                (
                    vec![
                        taken.clone(),
                        buffered.clone(),
                        LEASE_ENDS,
                        reported(Expired, "p1"),
                        reported(Undelivered, "p1"),
                        Event::Cancel,
                    ],
                    State::Undelivered,
                ),
                (
                    vec![answered(token, UNAVAILABLE), LEASE_ENDS, buffered],
                    State::Sent,
                ),
                (
                    vec![answered(token, UNAVAILABLE), LEASE_ENDS],
                    State::Queued,
                ),
                (
                    vec![
                        answered(token, Outcome::Rejected),
                        LEASE_ENDS,
                        Event::Cancel,
                    ],
                    State::Rejected,
                ),
                (vec![Event::GiveBack { token }, LEASE_ENDS], State::Queued),
                (
                    vec![Event::GiveBack { token }, LEASE_ENDS, Event::Cancel],
                    State::Canceled,
                ),
                (
                    vec![answered(token, UNAVAILABLE), LEASE_ENDS, Event::Cancel],
                    State::Canceled,
                ),
            ] {
                assert_any_order(&life, &events, state);
            }
        }
    }
}

/// Two copies at a provider that does not de-duplicate, all word of them at once.
#[test]
fn two_attempts() {
    use ReportStatus::{Buffered, Delivered, Undelivered};
    let mut life = Life::new().with(PreferDuplicate);
    let first = life.claim();
    life.wait_until_ready();
    let second = life.claim();
    life.wait(61 * SECOND);
    let answers = [
        answered(first, accepted("p1")),
        answered(second, accepted("p2")),
    ];
    for (reports, state) in [
        (
            vec![reported(Undelivered, "p1"), reported(Undelivered, "p2")],
            State::Undelivered,
        ),
        (
            vec![reported(Undelivered, "p1"), reported(Delivered, "p2")],
            State::Delivered,
        ),
        (
            vec![reported(Delivered, "p1"), reported(Undelivered, "p2")],
            State::Delivered,
        ),
        (
            vec![reported(Delivered, "p1"), reported(Delivered, "p2")],
            State::Delivered,
        ),
        (
            vec![reported(Buffered, "p1"), reported(Undelivered, "p2")],
            State::Sent,
        ),
        (
            vec![reported(Undelivered, "p1"), reported(Buffered, "p2")],
            State::Sent,
        ),
        (vec![], State::Sent),
    ] {
        let events: Vec<Event> = answers.iter().cloned().chain(reports).collect();
        assert_any_order(&life, &events, state);
        let with_end: Vec<Event> = events.into_iter().chain([LEASE_ENDS]).collect();
        assert_any_order(&life, &with_end, state);
    }
}

/// The older attempt was not taken, the newer one was.
#[test]
fn two_attempts_of_which_one_was_taken() {
    use ReportStatus::{Delivered, Undelivered};
    let mut life = Life::new().with(PreferDuplicate);
    let first = life.claim();
    life.wait_until_ready();
    let second = life.claim();
    for (status, state) in [
        (Undelivered, State::Undelivered),
        (Delivered, State::Delivered),
    ] {
        let events = [
            answered(first, UNAVAILABLE),
            answered(second, accepted("p2")),
            reported(status, "p2"),
        ];
        assert_any_order(&life, &events, state);
    }
}
