//! The message number `n` of a run: how it is written and how it is read back.
//!
//! The number travels inside the text, the one thing that every gateway hands to its provider
//! unchanged.

/// Recipients are Russian mobile numbers from here on, one for each message, so that nothing in
/// a gateway that works per recipient is flattered or hurt.
const FIRST_RECIPIENT: u64 = 79_160_000_000;

/// Recipient of message `n`, digits only.
pub(crate) fn recipient(n: usize) -> String {
    let offset = u64::try_from(n).unwrap_or(u64::MAX) % 10_000_000;
    (FIRST_RECIPIENT + offset).to_string()
}

/// What fills a text up: GSM-7, like the rest.
const FILLING: &str = " the quick brown fox jumps over the lazy dog";

/// Text of message `n`: the number, and as many characters more as it takes to have `length`.
pub(crate) fn text(n: usize, length: usize) -> String {
    let mut text = format!("bench {n:07}");
    let missing = length.saturating_sub(text.len());
    text.extend(FILLING.chars().cycle().take(missing));
    text
}

/// The number in a text made by [`text`], whatever the encoding of the space.
pub(crate) fn number(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("bench")?;
    let digits = rest.trim_start_matches([' ', '+']);
    let digits = digits.strip_prefix("%20").unwrap_or(digits);
    let end = digits.bytes().take_while(u8::is_ascii_digit).count();
    digits.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_survives_every_spelling_of_the_space() {
        for spelled in [
            "bench 0000123",
            "bench+0000123",
            "bench%200000123",
            "bench+0000123&x=1",
        ] {
            assert_eq!(number(spelled), Some(123), "{spelled}");
        }
    }

    #[test]
    fn other_texts_have_no_number() {
        for text in ["", "bench", "bench x", "warm 1"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn a_written_number_is_read_back() {
        for n in [0, 1, 19_999, 1_000_000, 12_345_678] {
            assert_eq!(number(&text(n, 0)), Some(n));
            assert_eq!(number(&text(n, 100)), Some(n));
        }
    }

    #[test]
    fn a_text_has_the_wanted_length() {
        assert_eq!(text(7, 100).len(), 100);
        assert_eq!(text(7, 0), "bench 0000007");
    }
}
