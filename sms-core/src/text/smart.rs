//! Typographic characters and their plain equivalents in GSM-7.
//!
//! One curly quote turns a text of 150 characters from one segment into three. Replacing it loses
//! nothing that a reader would miss. Replacing only some of the foreign characters saves nothing,
//! so it is all or nothing.

use super::gsm7;

/// One kind of character that was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The character in the original text.
    pub from: char,
    /// What stands in its place; empty if it was removed.
    pub to: &'static str,
    /// How many times.
    pub count: usize,
}

/// `text` with every character that GSM-7 lacks replaced; `None` if one of them has no equivalent.
pub(super) fn fold(text: &str) -> Option<(String, Vec<Replacement>)> {
    if !text
        .chars()
        .all(|c| gsm7::septets_of(c).is_some() || equivalent(c).is_some())
    {
        return None;
    }
    let mut folded = String::with_capacity(text.len());
    let mut replacements: Vec<Replacement> = Vec::new();
    for character in text.chars() {
        if gsm7::septets_of(character).is_some() {
            folded.push(character);
            continue;
        }
        let to = equivalent(character)?;
        folded.push_str(to);
        match replacements
            .iter_mut()
            .find(|known| known.from == character)
        {
            Some(known) => known.count += 1,
            None => replacements.push(Replacement {
                from: character,
                to,
                count: 1,
            }),
        }
    }
    Some((folded, replacements))
}

/// The plain form of a typographic character. Letters are never replaced: dropping an accent
/// changes words.
fn equivalent(character: char) -> Option<&'static str> {
    Some(match character {
        // Quotation marks, apostrophes, primes, and the accents typed in their stead.
        '\u{2018}'..='\u{201B}'
        | '\u{2032}'
        | '\u{2035}'
        | '\u{02B9}'
        | '\u{02BB}'
        | '\u{02BC}'
        | '`'
        | '\u{00B4}' => "'",
        '\u{201C}'..='\u{201F}' | '\u{2033}' | '\u{2036}' => "\"",
        '\u{00AB}' | '\u{2039}' => "<",
        '\u{00BB}' | '\u{203A}' => ">",
        // Hyphens, dashes, the minus sign.
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' => "-",
        '\u{2026}' => "...",
        '\u{2022}' => "*",
        // Spaces of all widths.
        '\t' | '\u{00A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => " ",
        '\u{2028}' | '\u{2029}' => "\n",
        // Without width: soft hyphen, joiners, direction marks, byte order mark. Where joiners
        // matter (emoji, Indic and Arabic letters) their neighbours have no equivalent, so
        // nothing is replaced.
        '\u{00AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' => "",
        '\u{FF01}'..='\u{FF5E}' => return full_width(character),
        _ => return None,
    })
}

/// U+FF01 to U+FF5E are ASCII 0x21 to 0x7E, drawn as wide as a Chinese character.
fn full_width(character: char) -> Option<&'static str> {
    const ASCII: &str = "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_'abcdefghijklmnopqrstuvwxyz{|}~";
    let index = (character as usize).checked_sub(0xFF01)?;
    ASCII.get(index..=index)
}

#[cfg(test)]
mod tests;
