//! What is kept of a provider's words.

use sms_core::{ProviderId, Submission};

/// Longest description that is kept, in characters: enough for a sentence, too little for a
/// stack trace to fill the store.
const LONGEST: usize = 200;

/// A text shorter than this, in characters, is not looked for in a provider's words: it would be
/// found in ordinary words, and tells nothing.
const SHORTEST_TELLING_TEXT: usize = 4;

/// A provider's own words, fit to be kept and shown: on one line, bounded, and without the
/// recipient or the text, which some providers repeat.
pub(crate) fn description(words: &str, submission: &Submission) -> Option<String> {
    let mut masked = words.replace(submission.to.digits().as_str(), "•••");
    let text = submission.text.as_str();
    if text.chars().count() >= SHORTEST_TELLING_TEXT {
        masked = masked.replace(text, "•••");
    }
    let line = masked.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line
        .chars()
        .filter(|character| !character.is_control())
        .take(LONGEST)
        .collect();
    (!line.is_empty()).then_some(line)
}

/// A provider's own code, bounded.
pub(crate) fn code(text: &str) -> Option<String> {
    let text: String = text.trim().chars().take(64).collect();
    (!text.is_empty()).then_some(text)
}

/// The id that a provider gave, if it is one that can be kept.
pub(crate) fn provider_id(text: Option<&str>) -> Option<ProviderId> {
    text?.trim().parse().ok()
}
