//! How a text would be sent.

use super::encoding::{Encoding, EncodingChoice};
use super::message::{DEFAULT_MAX_SEGMENTS, MessageText, check_segments};
use super::segment::count_segments_of;
use super::smart::{self, Replacement};
use super::{TextError, gsm7, ucs2};

/// How a text is sent: what remains of it, in which encoding, in how many segments.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// The text as it is sent: the original, or with replacements.
    pub text: MessageText,
    /// The encoding it is sent in.
    pub encoding: Encoding,
    /// The encoding that [`EncodingChoice::Auto`] would have used for the original.
    pub original_encoding: Encoding,
    /// How many segments it takes.
    pub segments: usize,
    /// How many units it takes in all: septets for GSM-7, UTF-16 units for UCS-2.
    pub units: usize,
    /// How many units each segment can hold, header deducted if there are several.
    pub units_per_segment: usize,
    /// What was replaced; empty unless the choice was [`EncodingChoice::Gsm7Smart`].
    pub replacements: Vec<Replacement>,
}

/// Decides how `text` is sent, in at most [`DEFAULT_MAX_SEGMENTS`] segments.
///
/// # Errors
/// [`TextError::NotGsm7`] if GSM-7 was demanded and cannot express the text,
/// [`TextError::TooManySegments`] if it takes more segments than allowed.
pub fn plan(text: &MessageText, choice: EncodingChoice) -> Result<Plan, TextError> {
    plan_within(text, choice, DEFAULT_MAX_SEGMENTS)
}

/// Decides how `text` is sent, in at most `max_segments` segments.
///
/// # Errors
/// As [`plan`].
pub fn plan_within(
    text: &MessageText,
    choice: EncodingChoice,
    max_segments: u8,
) -> Result<Plan, TextError> {
    let septets = gsm7::septets(text.as_str());
    let plan = match (choice, septets) {
        (EncodingChoice::Ucs2, _) => in_ucs2(text, septets),
        (_, Some(septets)) => in_gsm7(text.clone(), septets, Encoding::Gsm7, Vec::new()),
        (EncodingChoice::Auto, None) => in_ucs2(text, None),
        (EncodingChoice::Gsm7Strict, None) => return Err(not_gsm7(text)),
        (EncodingChoice::Gsm7Smart, None) => folded(text).unwrap_or_else(|| in_ucs2(text, None)),
    };
    check_segments(plan.segments, max_segments)?;
    Ok(plan)
}

fn in_ucs2(text: &MessageText, septets: Option<usize>) -> Plan {
    let original = if septets.is_some() {
        Encoding::Gsm7
    } else {
        Encoding::Ucs2
    };
    let units = ucs2::units(text.as_str());
    measured(text.clone(), Encoding::Ucs2, units, original, Vec::new())
}

fn in_gsm7(
    text: MessageText,
    septets: usize,
    original: Encoding,
    replacements: Vec<Replacement>,
) -> Plan {
    measured(text, Encoding::Gsm7, septets, original, replacements)
}

/// With typographic characters replaced, if that makes it GSM-7. A text of nothing but characters
/// without width stays as it is.
fn folded(text: &MessageText) -> Option<Plan> {
    let (folded, replacements) = smart::fold(text.as_str())?;
    let septets = gsm7::septets(&folded)?;
    if folded.trim().is_empty() {
        return None;
    }
    let folded = MessageText::from_checked(folded);
    Some(in_gsm7(folded, septets, Encoding::Ucs2, replacements))
}

fn measured(
    text: MessageText,
    encoding: Encoding,
    units: usize,
    original_encoding: Encoding,
    replacements: Vec<Replacement>,
) -> Plan {
    let segments = count_segments_of(text.as_str(), encoding, units);
    Plan {
        text,
        encoding,
        original_encoding,
        segments,
        units,
        units_per_segment: encoding.units_per_segment(segments > 1),
        replacements,
    }
}

fn not_gsm7(text: &MessageText) -> TextError {
    match gsm7::encode(text.as_str()) {
        Err(gsm7::NotGsm7 {
            character,
            position,
        }) => TextError::NotGsm7 {
            character,
            position,
        },
        // Only called for texts that GSM-7 lacks characters for.
        Ok(_) => TextError::Empty,
    }
}

#[cfg(test)]
mod tests;
