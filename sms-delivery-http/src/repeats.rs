//! Saying the same thing once, and then how often it happened.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long one mention of a thing stands for all of its kind.
const WINDOW: Duration = Duration::from_secs(60);
/// How many things are told apart within a window. What comes beyond is only counted, so that
/// neither the log nor the memory can be flooded.
const MOST: usize = 32;

/// Decides what of many like events is worth a line in the log.
#[derive(Debug)]
pub(crate) struct Repeats<K> {
    seen: Mutex<Seen<K>>,
}

#[derive(Debug)]
struct Seen<K> {
    since: Option<Instant>,
    keys: HashSet<K>,
    unmentioned: u64,
}

/// A line that is worth writing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    /// How many events went by without a line since the last one.
    pub(crate) unmentioned: u64,
}

impl<K: Eq + Hash> Repeats<K> {
    pub(crate) fn new() -> Self {
        Self {
            seen: Mutex::new(Seen {
                since: None,
                keys: HashSet::new(),
                unmentioned: 0,
            }),
        }
    }

    /// Takes note of an event; says so if it is the first of its kind for a while.
    pub(crate) fn note(&self, key: K, now: Instant) -> Option<Mention> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen
            .since
            .is_none_or(|since| now.duration_since(since) >= WINDOW)
        {
            seen.since = Some(now);
            seen.keys.clear();
        }
        let known = seen.keys.contains(&key);
        if known || seen.keys.len() >= MOST {
            seen.unmentioned += 1;
            return None;
        }
        seen.keys.insert(key);
        Some(Mention {
            unmentioned: std::mem::take(&mut seen.unmentioned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_kind_is_mentioned_and_the_rest_counted() {
        let repeats = Repeats::new();
        let start = Instant::now();
        assert_eq!(repeats.note("a", start), Some(Mention { unmentioned: 0 }));
        assert_eq!(repeats.note("a", start), None);
        assert_eq!(repeats.note("a", start + WINDOW / 2), None);
        assert_eq!(repeats.note("b", start), Some(Mention { unmentioned: 2 }));
        let later = start + WINDOW;
        assert_eq!(repeats.note("a", later), Some(Mention { unmentioned: 0 }));
    }

    #[test]
    fn a_flood_of_kinds_is_mentioned_up_to_a_limit() {
        let repeats = Repeats::new();
        let start = Instant::now();
        let mentioned = (0..100 * MOST).filter_map(|key| repeats.note(key, start));
        assert_eq!(mentioned.count(), MOST);
        let next = repeats.note(0, start + WINDOW).unwrap();
        assert_eq!(next.unmentioned, 99 * MOST as u64);
    }
}
