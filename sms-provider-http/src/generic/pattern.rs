//! The values that configuration lists for a verdict or a status.

use serde::{Deserialize, Deserializer};

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
}

/// Whether any of the patterns means the value.
pub(super) fn any(patterns: &[Pattern], value: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(value))
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
}
