//! Dividing a text into segments.

use std::iter::FusedIterator;

use unicode_segmentation::GraphemeCursor;

use super::encoding::Encoding;
use super::{gsm7, ucs2};

/// Divides `text` into the segments it is sent as; joined they are the text again.
///
/// A text that fits into a single segment is not divided. Otherwise each segment is filled as far
/// as possible, save that
/// - a character is never divided, neither an ESC pair of GSM-7 nor a surrogate pair of UCS-2;
/// - what a reader sees as one character (an emoji with its modifiers, a flag, a letter with its
///   accents, CR LF) moves to the next segment as a whole, if one segment can hold it. Phones may
///   show segments before all have come.
///
/// With [`Encoding::Gsm7`], a character that GSM-7 lacks counts as one septet; [`gsm7::encode`] is
/// what refuses it.
///
/// An empty text is no segment.
#[must_use]
pub fn segment(text: &str, encoding: Encoding) -> Segments<'_> {
    let concatenated = units(text, encoding) > encoding.units_per_segment(false);
    Segments::new(text, encoding, concatenated)
}

/// How many segments `text` takes. Does not allocate.
#[must_use]
pub fn count_segments(text: &str, encoding: Encoding) -> usize {
    count_segments_of(text, encoding, units(text, encoding))
}

/// The same for a text whose units are counted already. Borders are looked for only if there are
/// any: nearly every text is one segment.
pub(super) fn count_segments_of(text: &str, encoding: Encoding, units: usize) -> usize {
    if units > encoding.units_per_segment(false) {
        Segments::new(text, encoding, true).count()
    } else {
        usize::from(!text.is_empty())
    }
}

/// How many units `text` takes: septets for GSM-7, UTF-16 units for UCS-2.
#[must_use]
pub fn units(text: &str, encoding: Encoding) -> usize {
    match encoding {
        Encoding::Gsm7 => {
            gsm7::septets(text).unwrap_or_else(|| text.chars().map(|c| units_of(c, encoding)).sum())
        }
        Encoding::Ucs2 => ucs2::units(text),
    }
}

fn units_of(character: char, encoding: Encoding) -> usize {
    match encoding {
        Encoding::Gsm7 => gsm7::septets_of(character).unwrap_or(1),
        Encoding::Ucs2 => character.len_utf16(),
    }
}

/// The segments of a text, in order. Made by [`segment`].
#[derive(Clone)]
pub struct Segments<'a> {
    text: &'a str,
    start: usize,
    encoding: Encoding,
    limit: usize,
}

impl<'a> Iterator for Segments<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.start == self.text.len() {
            return None;
        }
        let end = self.end();
        let segment = &self.text[self.start..end];
        self.start = end;
        Some(segment)
    }
}

impl FusedIterator for Segments<'_> {}

impl<'a> Segments<'a> {
    fn new(text: &'a str, encoding: Encoding, concatenated: bool) -> Self {
        Self {
            text,
            start: 0,
            encoding,
            limit: encoding.units_per_segment(concatenated),
        }
    }

    /// Where the segment that begins at `start` ends.
    fn end(&self) -> usize {
        let full = self.full();
        if full == self.text.len() {
            return full;
        }
        match self.cluster_around(full) {
            Some((begin, end)) if begin > self.start && self.fits(begin, end) => begin,
            _ => full,
        }
    }

    /// The end of the last whole character that the segment can hold.
    fn full(&self) -> usize {
        let mut used = 0;
        let rest = &self.text[self.start..];
        let first_outside = rest.char_indices().find(|&(_, character)| {
            used += units_of(character, self.encoding);
            used > self.limit
        });
        first_outside.map_or(self.text.len(), |(offset, _)| self.start + offset)
    }

    /// Begin and end of the grapheme cluster that has `at` inside; `None` if `at` is a border.
    fn cluster_around(&self, at: usize) -> Option<(usize, usize)> {
        let mut cursor = GraphemeCursor::new(at, self.text.len(), true);
        // The cursor is given the whole text, so it never asks for more of it.
        if cursor.is_boundary(self.text, 0).unwrap_or(true) {
            return None;
        }
        let begin = cursor.clone().prev_boundary(self.text, 0).ok().flatten()?;
        let end = cursor.next_boundary(self.text, 0).ok().flatten()?;
        Some((begin, end))
    }

    fn fits(&self, begin: usize, end: usize) -> bool {
        units(&self.text[begin..end], self.encoding) <= self.limit
    }
}

impl std::fmt::Debug for Segments<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segments")
            .field("encoding", &self.encoding)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
