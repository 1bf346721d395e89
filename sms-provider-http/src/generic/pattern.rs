//! The values that configuration lists for a verdict or a status.

use std::cmp::Reverse;
use std::fmt;

use serde::{Deserialize, Deserializer};

use crate::ConfigError;
use crate::loose::Loose;

/// A value, or with `*` at its end all values that start so. Numbers and truth values may be
/// written without quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    open: bool,
}

impl Pattern {
    /// Reads `text` as a pattern.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let (text, open) = match text.strip_suffix('*') {
            Some(start) => (start, true),
            None => (text, false),
        };
        Self {
            text: text.to_owned(),
            open,
        }
    }

    /// Whether this is the value, or one of the values, that is meant. Case does not count.
    #[must_use]
    pub fn matches(&self, value: &str) -> bool {
        let value = value.trim();
        if self.open {
            // `get`, because the place may lie inside a character.
            value
                .get(..self.text.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(&self.text))
        } else {
            value.eq_ignore_ascii_case(&self.text)
        }
    }

    /// Whether both mean the same values.
    fn equals(&self, other: &Self) -> bool {
        self.open == other.open && self.text.eq_ignore_ascii_case(&other.text)
    }
}

/// The pattern as configuration writes it.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        f.write_str(if self.open { "*" } else { "" })
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Loose::deserialize(deserializer)? {
            Loose(Some(text)) => Ok(Self::new(&text)),
            Loose(None) => Err(serde::de::Error::custom(
                "is not a text, number or true/false",
            )),
        }
    }
}

/// One list of the configuration: its key, its patterns, and what they mean.
pub(super) type List<'a, T> = (&'static str, &'a [Pattern], T);

/// What the values of all lists mean. A value that is written out goes before any beginning, and
/// of several beginnings the longest counts, whatever list they stand in: so a list may hold an
/// exception from another.
#[derive(Debug)]
pub(super) struct Meanings<T>(Vec<(Pattern, T)>);

impl<T: Copy> Meanings<T> {
    /// `section` is the one the lists stand in, for an error.
    pub(super) fn new<'a>(
        section: &str,
        lists: impl IntoIterator<Item = List<'a, T>>,
    ) -> Result<Self, ConfigError> {
        let mut all: Vec<(&'static str, Pattern, T)> = Vec::new();
        for (key, patterns, meaning) in lists {
            for pattern in patterns {
                let earlier = all.iter().find(|(_, known, _)| known.equals(pattern));
                if let Some((other, ..)) = earlier.filter(|(other, ..)| *other != key) {
                    let problem = format!("\"{pattern}\" is in {section}.{other} too; keep one");
                    return Err(ConfigError::new(format!("{section}.{key}"), problem));
                }
                all.push((key, pattern.clone(), meaning));
            }
        }
        all.sort_by_key(|(_, pattern, _)| (pattern.open, Reverse(pattern.text.len())));
        let sorted = all
            .into_iter()
            .map(|(_, pattern, meaning)| (pattern, meaning));
        Ok(Self(sorted.collect()))
    }

    /// What a value means, if it is listed.
    pub(super) fn of(&self, value: &str) -> Option<T> {
        self.0
            .iter()
            .find(|(pattern, _)| pattern.matches(value))
            .map(|(_, meaning)| *meaning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_at_the_end_means_any_end() {
        for (pattern, value, matches) in [
            ("0", "0", true),
            ("0", "00", false),
            ("0:*", "0: Accepted", true),
            ("*", "", true),
            ("OK", " ok\n", true),
            ("ab*", "aé", false),
            ("", "", true),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(value),
                matches,
                "{pattern} {value}"
            );
        }
    }

    fn patterns(texts: &[&str]) -> Vec<Pattern> {
        texts.iter().map(|text| Pattern::new(text)).collect()
    }

    #[test]
    fn the_exact_value_goes_before_the_longest_beginning_in_whatever_list() {
        let (first, second) = (
            patterns(&["*", "failed*"]),
            patterns(&["failed_e*", "FAILED"]),
        );
        for lists in [
            [("a", &first[..], 'a'), ("b", &second[..], 'b')],
            [("b", &second[..], 'b'), ("a", &first[..], 'a')],
        ] {
            let meanings = Meanings::new("s", lists).unwrap();
            for (value, meaning) in [
                ("failed", 'b'),
                ("failed_expired", 'b'),
                ("failed_denied", 'a'),
                ("sent", 'a'),
            ] {
                assert_eq!(meanings.of(value), Some(meaning), "{value}");
            }
        }
    }

    #[test]
    fn a_value_in_two_lists_is_refused_but_twice_in_one_is_not() {
        let (first, second) = (patterns(&["a", "b*", "b*"]), patterns(&["b", "B*"]));
        assert!(Meanings::new("s", [("one", &first[..], 1)]).is_ok());
        let error = Meanings::new("s", [("one", &first[..], 1), ("two", &second[..], 2)]);
        let error = error.unwrap_err().to_string();
        assert_eq!(error, "s.two: \"B*\" is in s.one too; keep one");
    }
}
