//! What providers say in their own words. It is kept in bounds, so that no record grows without
//! end, and never shown: a receipt may end in the beginning of the message's text, and nobody
//! knows what a code or a description quotes.

use std::fmt;

/// Longest code that is kept, in characters. A code is a number or a few words.
const LONGEST_CODE: usize = 64;
/// Longest receipt id that is kept, in characters: more than the 65 of SMPP 3.4 (5.3.2.12).
const LONGEST_RECEIPT_ID: usize = 255;
/// Longest text or description that is kept, in characters: about two receipts of SMPP.
const LONGEST_TEXT: usize = 500;

pub(crate) fn code(words: Option<String>) -> Option<String> {
    words.map(|words| beginning(words, LONGEST_CODE))
}

pub(crate) fn receipt_id(words: Option<String>) -> Option<String> {
    words.map(|words| beginning(words, LONGEST_RECEIPT_ID))
}

pub(crate) fn text(words: Option<String>) -> Option<String> {
    words.map(|words| beginning(words, LONGEST_TEXT))
}

fn beginning(mut words: String, characters: usize) -> String {
    if let Some((end, _)) = words.char_indices().nth(characters) {
        words.truncate(end);
        // What was cut off may have been megabytes.
        words.shrink_to_fit();
    }
    words
}

/// Shows of somebody's words only how long they are.
pub(crate) struct Masked<'a>(pub(crate) &'a Option<String>);

impl fmt::Debug for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(words) => write!(f, "Some({} bytes)", words.len()),
            None => f.write_str("None"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_up_to_their_bound_and_cut_between_characters() {
        type Bound = fn(Option<String>) -> Option<String>;
        for (bound, longest) in [
            (code as Bound, 64),
            (receipt_id as Bound, 255),
            (text as Bound, 500),
        ] {
            let fits = "ж".repeat(longest);
            assert_eq!(bound(Some(fits.clone())), Some(fits.clone()));
            assert_eq!(bound(Some(format!("{fits}x"))), Some(fits));
            assert_eq!(bound(None), None);
        }
    }

    #[test]
    fn only_lengths_show() {
        assert_eq!(format!("{:?}", Masked(&Some("ж".into()))), "Some(2 bytes)");
        assert_eq!(format!("{:?}", Masked(&None)), "None");
    }
}
