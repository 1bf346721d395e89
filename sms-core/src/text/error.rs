//! Why a text cannot be sent.

/// Why a text is refused. Tells positions, counts and at most one character, never the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// Nothing to read in it.
    #[error("the text is empty or blank")]
    Empty,
    /// Larger than any text of so many segments.
    #[error("the text has {bytes} bytes, at most {limit} can be sent; shorten it or send several")]
    TooLarge {
        /// Its size in UTF-8.
        bytes: usize,
        /// The largest size taken.
        limit: usize,
    },
    /// A control character that phones do not show.
    #[error(
        "the text has the control character U+{code:04X} at position {position}; \
         only line feed, carriage return, form feed and tab are carried"
    )]
    ControlCharacter {
        /// Its code point.
        code: u32,
        /// Its position, counted in characters from 1.
        position: usize,
    },
    /// GSM-7 was demanded but cannot express the text.
    #[error(
        "the text has {character:?} at position {position}, which GSM-7 lacks; \
         replace it or choose the encoding auto"
    )]
    NotGsm7 {
        /// The first character that GSM-7 lacks.
        character: char,
        /// Its position, counted in characters from 1.
        position: usize,
    },
    /// Longer than allowed.
    #[error("the text takes {segments} segments, at most {limit} are allowed; shorten it")]
    TooManySegments {
        /// How many it would take.
        segments: usize,
        /// How many are allowed.
        limit: usize,
    },
}
