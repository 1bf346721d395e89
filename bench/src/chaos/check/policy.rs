//! Nothing is submitted beyond its policy.

use sms_grpc::proto::v1::{Attempt, AttemptOutcome, Message, UnknownPolicy};

use super::{Breach, Index, Rule, of};
use crate::chaos::{ledger::Call, manner::Desk};

pub(super) fn check(index: &Index<'_>) -> Vec<Breach> {
    let all = index.books.messages.iter();
    all.flat_map(|message| check_one(message, index.calls(message)))
        .collect()
}

fn check_one(message: &Message, calls: &[&Call]) -> Vec<Breach> {
    let breaches = [
        unwritten(message, calls),
        after_it_was_known(message),
        blind(message, calls),
        taken_twice(message, calls),
        other_bytes(message, calls),
    ];
    breaches.into_iter().flatten().collect()
}

/// An attempt is written before the provider is called.
fn unwritten(message: &Message, calls: &[&Call]) -> Option<Breach> {
    let spoke = |attempt: &&Attempt| attempt.outcome() != AttemptOutcome::GivenBack;
    let written = message.attempts.iter().filter(spoke).count();
    (calls.len() > written).then(|| {
        let words = format!("{} submissions and {written} attempts", calls.len());
        of(message, Rule::BeyondPolicy, words)
    })
}

/// No attempt begins after an earlier one is known to have been taken or refused for good.
fn after_it_was_known(message: &Message) -> Option<Breach> {
    let settled = |attempt: &Attempt| {
        matches!(
            attempt.outcome(),
            AttemptOutcome::Accepted | AttemptOutcome::Duplicate | AttemptOutcome::Rejected
        )
    };
    let millis = |time: Option<prost_types::Timestamp>| {
        time.map(|time| time.seconds * 1_000 + i64::from(time.nanos) / 1_000_000)
    };
    let pairs = message.attempts.iter().zip(message.attempts.iter().skip(1));
    for (one, next) in pairs {
        let known = millis(one.finished_at).filter(|_| settled(one));
        if known.is_some_and(|known| millis(next.started_at) > Some(known)) {
            let words = format!(
                "attempt {} began after {} was settled",
                next.number, one.number
            );
            return Some(of(message, Rule::BeyondPolicy, words));
        }
    }
    None
}

/// Where the provider does not de-duplicate and the message is not to come twice, no call follows
/// one of which the provider did not say that it took nothing.
fn blind(message: &Message, calls: &[&Call]) -> Option<Breach> {
    if message.on_unknown() == UnknownPolicy::PreferDuplicate {
        return None;
    }
    let mut earlier = calls.iter().rev().skip(1);
    let bad = earlier.find(|call| call.desk == Desk::Plain && !call.manner.allows_another())?;
    let words = format!(
        "was submitted again after a call that the provider {:?}",
        bad.manner
    );
    Some(of(message, Rule::BeyondPolicy, words))
}

fn taken_twice(message: &Message, calls: &[&Call]) -> Option<Breach> {
    let taken = calls.iter().filter(|call| call.taken.is_some()).count();
    let may_double = message.on_unknown() == UnknownPolicy::PreferDuplicate
        && calls.iter().all(|call| call.desk == Desk::Plain);
    (taken > 1 && !may_double).then(|| {
        of(
            message,
            Rule::BeyondPolicy,
            format!("was taken {taken} times"),
        )
    })
}

fn other_bytes(message: &Message, calls: &[&Call]) -> Option<Breach> {
    let differ = calls.windows(2).any(|pair| pair[0].body != pair[1].body);
    differ.then(|| {
        of(
            message,
            Rule::BeyondPolicy,
            "was submitted again with other bytes",
        )
    })
}
