//! The state in the end says what happened at the provider.

use sms_grpc::proto::v1::{Message, State};

use super::{Breach, Index, Rule, breach, of, state_name};
use crate::chaos::{
    books::is_final,
    ledger::{Call, Posted},
    manner::Manner,
};

pub(super) fn check(index: &Index<'_>) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for message in &index.books.messages {
        let (calls, reports) = (index.calls(message), index.reports(message));
        breaches.extend(stuck(message));
        breaches.extend(unheard(message, reports));
        breaches.extend(unfounded(message, calls, reports));
    }
    for report in &index.books.reports {
        if let Some(status) = report.refusals.first() {
            let words = format!("a report was answered with {status}");
            breaches.push(breach(Rule::ReportRefused, &report.reference, words));
        }
        if report.acknowledged.is_none() {
            let words = "a report was never acknowledged";
            breaches.push(breach(Rule::Stuck, &report.reference, words));
        }
    }
    breaches
}

fn stuck(message: &Message) -> Option<Breach> {
    if !is_final(message.state()) {
        let words = format!("is still {}", state_name(message.state()));
        return Some(of(message, Rule::Stuck, words));
    }
    let waits = message.deadline.is_some();
    waits.then(|| of(message, Rule::Stuck, "is final and has a deadline"))
}

/// What was reported is what the message says.
fn unheard(message: &Message, reports: &[&Posted]) -> Option<Breach> {
    let heard = reports.iter().filter(|report| is_known(message, report));
    let said = heard.filter_map(|report| report.delivered).next()?;
    let expected = if said {
        State::Delivered
    } else {
        State::Undelivered
    };
    (message.state() != expected).then(|| {
        let (state, expected) = (state_name(message.state()), state_name(expected));
        of(
            message,
            Rule::Untrue,
            format!("is {state}, and was reported {expected}"),
        )
    })
}

/// Whether a report was acknowledged and names this message: by its reference, or by an id that
/// an answer told before the answer was lost.
fn is_known(message: &Message, report: &Posted) -> bool {
    let mut attempts = message.attempts.iter();
    report.acknowledged.is_some()
        && (!report.by_provider_id
            || attempts.any(|attempt| attempt.provider_id == report.provider_id))
}

/// A final state has its reason at the provider.
fn unfounded(message: &Message, calls: &[&Call], reports: &[&Posted]) -> Option<Breach> {
    let taken = calls.iter().any(|call| call.taken.is_some());
    let reported = |delivered| reports.iter().any(|one| one.delivered == Some(delivered));
    let refused = calls.iter().any(|call| call.manner == Manner::Refuses);
    let problem = match message.state() {
        State::Delivered if !reported(true) => "nobody reported that",
        State::Undelivered if !reported(false) => "nobody reported that",
        State::Rejected if !refused => "nobody refused it",
        State::Rejected | State::Failed | State::Expired if taken => "the provider took it",
        State::Canceled => "nobody took it back",
        _ => return None,
    };
    let words = format!("is {}, but {problem}", state_name(message.state()));
    Some(of(message, Rule::Untrue, words))
}
