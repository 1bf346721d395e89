//! The counts are those of the messages, whichever process is asked.

use std::collections::BTreeMap;

use super::{Breach, Index, Rule, breach, state_name};
use crate::chaos::books::Counts;

pub(super) fn check(index: &Index<'_>) -> Vec<Breach> {
    let mut states = BTreeMap::<String, u64>::new();
    for message in &index.books.messages {
        *states.entry(state_name(message.state())).or_default() += 1;
    }
    let counts = index.books.counts.iter().enumerate();
    counts
        .flat_map(|(process, counts)| check_one(process, counts, &states))
        .collect()
}

fn check_one(process: usize, counts: &Counts, states: &BTreeMap<String, u64>) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let whose = format!("process {}", process + 1);
    let counted: BTreeMap<_, _> = counts
        .states
        .iter()
        .filter(|(_, count)| **count != 0)
        .collect();
    if counted != states.iter().collect() {
        let words = format!("counts {counted:?}; the messages are {states:?}");
        breaches.push(breach(Rule::Miscounted, &whose, words));
    }
    if counts.overdue > 0.0 {
        let words = format!("a deadline passed {} s ago", counts.overdue);
        breaches.push(breach(Rule::Stuck, &whose, words));
    }
    breaches
}
