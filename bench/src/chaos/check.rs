//! Whether the books balance: everything that must hold when all is over, whatever was broken.
//!
//! The rules are strict. Not one of them asks how long anything took.

use std::{collections::HashMap, fmt};

use sms_grpc::proto::v1::{Message, State};

use super::{
    books::Books,
    ledger::{Call, Posted},
    load::Wish,
};
use crate::sample;

mod accepted;
mod counts;
mod history;
mod policy;
mod truth;

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Breach {
    pub(super) rule: Rule,
    /// Whose: an id of a message, or the number in its text where it has none.
    pub(super) whose: String,
    pub(super) words: String,
}

/// What must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    /// What was accepted is there.
    Lost,
    /// Nobody invents messages.
    Unexpected,
    /// A key has one message.
    Doubled,
    /// Everything ends.
    Stuck,
    /// Nothing is submitted beyond its policy.
    BeyondPolicy,
    /// The state says what happened.
    Untrue,
    /// States only move forward.
    WentBack,
    /// What was told once stays so.
    Forgotten,
    /// The counts are those of the messages.
    Miscounted,
    /// A passing fault is no reason to tell a provider not to come again.
    ReportRefused,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}: {}", self.rule, self.whose, self.words)
    }
}

/// The books, by message.
pub(super) struct Index<'a> {
    pub(super) books: &'a Books,
    pub(super) by_id: HashMap<&'a str, &'a Message>,
    pub(super) by_reference: HashMap<&'a str, &'a Message>,
    /// Messages by the number in their text.
    pub(super) by_number: HashMap<usize, Vec<&'a Message>>,
    pub(super) wishes: HashMap<usize, &'a Wish>,
    calls: HashMap<&'a str, Vec<&'a Call>>,
    reports: HashMap<&'a str, Vec<&'a Posted>>,
}

impl<'a> Index<'a> {
    pub(super) fn new(books: &'a Books) -> Self {
        let mut index = Self {
            books,
            by_id: HashMap::new(),
            by_reference: HashMap::new(),
            by_number: HashMap::new(),
            wishes: books
                .wishes
                .iter()
                .map(|wish| (wish.number, wish))
                .collect(),
            calls: HashMap::new(),
            reports: HashMap::new(),
        };
        for message in &books.messages {
            index.by_id.insert(&message.id, message);
            index.by_reference.insert(&message.reference, message);
            if let Some(number) = sample::number(&message.text) {
                index.by_number.entry(number).or_default().push(message);
            }
        }
        for call in &books.calls {
            index.calls.entry(&call.reference).or_default().push(call);
        }
        for report in &books.reports {
            index
                .reports
                .entry(&report.reference)
                .or_default()
                .push(report);
        }
        index
    }

    /// What the provider was asked about a message, in order.
    pub(super) fn calls(&self, message: &Message) -> &[&'a Call] {
        self.calls
            .get(&*message.reference)
            .map_or(&[], Vec::as_slice)
    }

    pub(super) fn reports(&self, message: &Message) -> &[&'a Posted] {
        self.reports
            .get(&*message.reference)
            .map_or(&[], Vec::as_slice)
    }
}

/// Everything in these books that must not be.
pub(super) fn check(books: &Books) -> Vec<Breach> {
    let index = Index::new(books);
    let mut breaches = accepted::check(&index);
    breaches.extend(policy::check(&index));
    breaches.extend(truth::check(&index));
    breaches.extend(history::check(&index));
    breaches.extend(counts::check(&index));
    breaches.sort_by(|one, other| (one.rule, &one.whose).cmp(&(other.rule, &other.whose)));
    breaches
}

fn breach(rule: Rule, whose: impl fmt::Display, words: impl Into<String>) -> Breach {
    Breach {
        rule,
        whose: whose.to_string(),
        words: words.into(),
    }
}

fn of(message: &Message, rule: Rule, words: impl Into<String>) -> Breach {
    breach(rule, &message.id, words)
}

/// As the documentation calls it.
pub(super) fn state_name(state: State) -> String {
    let name = state.as_str_name().trim_start_matches("STATE_");
    name.to_lowercase()
}

#[cfg(test)]
mod tests;
