//! The GSM 7-bit default alphabet, its extension table, and the packing of septets into octets
//! (3GPP TS 23.038, 6.2.1 and 6.1.2).

/// Announces that the next septet is from the extension table.
pub const ESCAPE: u8 = 0x1B;

/// The default alphabet in code order (3GPP TS 23.038, 6.2.1). ESC has the place of a space here,
/// which is what a receiver shows for it.
const DEFAULT: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', ' ', 'Æ', 'æ', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

/// The extension table (3GPP TS 23.038, 6.2.1.1).
const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{0C}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// The alphabet has no such character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("GSM-7 lacks {character:?} at position {position}")]
pub struct NotGsm7 {
    /// The character.
    pub character: char,
    /// Its position, counted in characters from 1.
    pub position: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    Default(u8),
    Extension(u8),
}

/// Codes of the characters U+0000 to U+00FF, which are all of ours but the Greek ones and the
/// euro sign.
const LATIN: [Option<Code>; 256] = latin_codes();

const fn latin_codes() -> [Option<Code>; 256] {
    let mut codes = [None; 256];
    let mut code = 0;
    while code < DEFAULT.len() {
        let character = DEFAULT[code] as usize;
        if character < codes.len() && code != ESCAPE as usize {
            codes[character] = Some(Code::Default(code as u8));
        }
        code += 1;
    }
    let mut index = 0;
    while index < EXTENSION.len() {
        let (code, character) = EXTENSION[index];
        if (character as usize) < codes.len() {
            codes[character as usize] = Some(Code::Extension(code));
        }
        index += 1;
    }
    codes
}

fn code(character: char) -> Option<Code> {
    match character {
        '\0'..='\u{FF}' => LATIN[character as usize],
        '€' => Some(Code::Extension(0x65)),
        'Γ'..='Ω' => greek_code(character),
        _ => None,
    }
}

/// The ten Greek capitals that look like no Latin one have the codes 0x10 and 0x12 to 0x1A.
fn greek_code(character: char) -> Option<Code> {
    let code = (0x10..ESCAPE).find(|&code| DEFAULT[usize::from(code)] == character);
    code.map(Code::Default)
}

/// Septets that `character` takes: 1, or 2 for the extension table. `None` if GSM-7 lacks it.
#[must_use]
pub fn septets_of(character: char) -> Option<usize> {
    code(character).map(|code| match code {
        Code::Default(_) => 1,
        Code::Extension(_) => 2,
    })
}

/// Septets that `text` takes, or `None` if GSM-7 cannot express it. Does not allocate.
#[must_use]
pub fn septets(text: &str) -> Option<usize> {
    text.chars()
        .try_fold(0, |sum, character| Some(sum + septets_of(character)?))
}

/// Whether GSM-7 can express every character of `text`.
#[must_use]
pub fn is_encodable(text: &str) -> bool {
    septets(text).is_some()
}

/// The septets of `text`, one in each byte.
///
/// # Errors
/// [`NotGsm7`] names the first character that the alphabet lacks.
pub fn encode(text: &str) -> Result<Vec<u8>, NotGsm7> {
    let mut septets = Vec::with_capacity(text.len());
    for (index, character) in text.chars().enumerate() {
        match code(character) {
            Some(Code::Default(code)) => septets.push(code),
            Some(Code::Extension(code)) => septets.extend([ESCAPE, code]),
            None => {
                return Err(NotGsm7 {
                    character,
                    position: index + 1,
                });
            }
        }
    }
    Ok(septets)
}

/// The text of `septets`, one in each byte; `None` if a byte is more than 7 bits.
///
/// An extension code that the table lacks is shown as the same code of the default alphabet, and
/// an ESC without a code as a space, as the standard asks of receivers (3GPP TS 23.038, 6.2.1.1).
#[must_use]
pub fn decode(septets: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(septets.len());
    let mut escaped = false;
    for &septet in septets {
        let plain = *DEFAULT.get(usize::from(septet))?;
        if septet == ESCAPE && !escaped {
            escaped = true;
            continue;
        }
        text.push(if escaped {
            extension(septet).unwrap_or(plain)
        } else {
            plain
        });
        escaped = false;
    }
    if escaped {
        text.push(' ');
    }
    Some(text)
}

fn extension(code: u8) -> Option<char> {
    EXTENSION
        .iter()
        .find(|(known, _)| *known == code)
        .map(|(_, character)| *character)
}

/// Bits to skip after a user data header of `header_octets`, so that the text starts at a septet
/// boundary counted from the start of the user data (3GPP TS 23.040, 9.2.3.24). 1 after the
/// 6 octets of the concatenation header.
#[must_use]
pub const fn fill_bits(header_octets: usize) -> usize {
    (7 - header_octets * 8 % 7) % 7
}

/// Packs septets (one in each byte; higher bits are ignored) into octets, the first `fill_bits`
/// bits left zero.
///
/// The number of septets is not in the result and must be sent along (TP-User-Data-Length): when
/// it is a multiple of 8 less 1, the last octet ends in 7 zero bits, which read as another `@`.
#[must_use]
pub fn pack(septets: &[u8], fill_bits: usize) -> Vec<u8> {
    let bits = fill_bits + septets.len() * 7;
    let mut octets = vec![0; bits.div_ceil(8)];
    for (index, septet) in septets.iter().enumerate() {
        let at = fill_bits + index * 7;
        let spread = u16::from(septet & 0x7F) << (at % 8);
        let [low, high] = spread.to_le_bytes();
        octets[at / 8] |= low;
        if high != 0 {
            octets[at / 8 + 1] |= high;
        }
    }
    octets
}

/// Unpacks `count` septets, one into each byte, after skipping `fill_bits` bits; `None` if the
/// octets do not hold so many.
#[must_use]
pub fn unpack(octets: &[u8], fill_bits: usize, count: usize) -> Option<Vec<u8>> {
    let bits = count.checked_mul(7)?.checked_add(fill_bits)?;
    if bits > octets.len().checked_mul(8)? {
        return None;
    }
    let septet = |index: usize| {
        let at = fill_bits + index * 7;
        let high = octets.get(at / 8 + 1).copied().unwrap_or_default();
        let [septet, _] = (u16::from_le_bytes([octets[at / 8], high]) >> (at % 8)).to_le_bytes();
        septet & 0x7F
    };
    Some((0..count).map(septet).collect())
}

#[cfg(test)]
mod tests;
