//! What was accepted is there, once, and nothing else is.

use std::collections::HashSet;

use super::{Breach, Index, Rule, breach, of};
use crate::{chaos::load::Wish, sample};

pub(super) fn check(index: &Index<'_>) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for wish in &index.books.wishes {
        breaches.extend(lost(index, wish));
        breaches.extend(doubled(index, wish));
    }
    breaches.extend(unexpected(index));
    breaches
}

fn lost(index: &Index<'_>, wish: &Wish) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for id in &wish.ids {
        let Some(message) = index.by_id.get(&**id) else {
            breaches.push(breach(Rule::Lost, id, "was accepted and is gone"));
            continue;
        };
        let number = sample::number(&message.text);
        if number != Some(wish.number) {
            let words = format!("was message {} and is {number:?}", wish.number);
            breaches.push(of(message, Rule::Lost, words));
        }
    }
    breaches
}

fn doubled(index: &Index<'_>, wish: &Wish) -> Option<Breach> {
    let there = index
        .by_number
        .get(&wish.number)
        .map_or(&[][..], Vec::as_slice);
    let ids = there.iter().map(|message| &*message.id);
    let ids: HashSet<&str> = ids.chain(wish.ids.iter().map(String::as_str)).collect();
    // Without a key each call may make a message of its own.
    let most = if wish.keyed { 1 } else { wish.calls };
    (ids.len() > most).then(|| {
        let number = format!("message {}", wish.number);
        let words = format!("{} calls made {} messages: {ids:?}", wish.calls, ids.len());
        breach(Rule::Doubled, number, words)
    })
}

fn unexpected(index: &Index<'_>) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for message in &index.books.messages {
        let number = sample::number(&message.text);
        if number.is_none_or(|number| !index.wishes.contains_key(&number)) {
            breaches.push(of(message, Rule::Unexpected, "nobody asked for it"));
        }
    }
    for call in &index.books.calls {
        if !index.by_reference.contains_key(&*call.reference) {
            let words = "was submitted and is no message of the store";
            breaches.push(breach(Rule::Unexpected, &call.reference, words));
        }
    }
    breaches
}
