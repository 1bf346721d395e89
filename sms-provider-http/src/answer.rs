//! What is kept of a provider's words.

use sms_core::{ProviderId, Submission};

/// Longest description that is kept, in characters: enough for a sentence, too little for a
/// stack trace to fill the store.
const LONGEST: usize = 200;

/// A text shorter than this, in characters, is not looked for in a provider's words: it would be
/// found in ordinary words, and tells nothing.
const SHORTEST_TELLING_TEXT: usize = 4;

/// Longest code that is kept, in characters: the codes of all known providers are shorter.
const LONGEST_CODE: usize = 64;

/// Longest id of a receipt that is kept, in characters: as long as a provider's id may be.
const LONGEST_RECEIPT_ID: usize = 255;

/// A provider's own words, fit to be kept and shown: on one line, bounded, and without the
/// recipient or the text, which some providers repeat.
pub(crate) fn description(words: &str, submission: &Submission) -> Option<String> {
    line(&masked(words, submission), LONGEST)
}

/// A provider's own code, fit to be kept and shown: where words stand in its place, they may
/// repeat what the description may.
pub(crate) fn code(text: &str, submission: &Submission) -> Option<String> {
    line(&masked(text, submission), LONGEST_CODE)
}

/// The code in a report, bounded.
pub(crate) fn report_code(text: &str) -> Option<String> {
    line(text, LONGEST_CODE)
}

/// The id of a receipt, bounded.
pub(crate) fn receipt_id(text: &str) -> Option<String> {
    line(text, LONGEST_RECEIPT_ID)
}

fn masked(words: &str, submission: &Submission) -> String {
    let masked = words.replace(submission.to.digits().as_str(), "•••");
    let text = submission.text.as_str();
    if text.chars().count() < SHORTEST_TELLING_TEXT {
        return masked;
    }
    masked.replace(text, "•••")
}

/// The text on one line of at most so many characters, unless nothing is left of it.
fn line(text: &str, longest: usize) -> Option<String> {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line
        .chars()
        .filter(|character| !character.is_control())
        .take(longest)
        .collect();
    (!line.is_empty()).then_some(line)
}

/// The id that a provider gave, if it is one that can be kept.
pub(crate) fn provider_id(text: Option<&str>) -> Option<ProviderId> {
    text?.trim().parse().ok()
}
