//! Texts in one byte per character where UTF-8 takes two: a hundred Russian letters take no more
//! memory than a hundred English ones.
//!
//! A packed text names a block of 128 characters. A byte below 0x80 is that ASCII character, one
//! above is a character of the block, and 0x01, which no text holds, is followed by any other
//! character in three bytes.

use crate::bytes::{Decoder, Encoder, Unreadable};

const PART: &str = "the text";
const UTF_8: u8 = 0;
const PACKED: u8 = 1;
const ESCAPE: u8 = 1;

pub(crate) fn encode(text: &str, out: &mut Encoder) {
    match pack(text) {
        Some((block, packed)) if packed.len() + 2 < text.len() => {
            out.byte(PACKED);
            out.number(block.into());
            out.bytes(&packed);
        }
        _ => {
            out.byte(UTF_8);
            out.text(text);
        }
    }
}

/// The block of the first character that is not ASCII, and the text in terms of it.
fn pack(text: &str) -> Option<(u32, Vec<u8>)> {
    let block = u32::from(text.chars().find(|c| !c.is_ascii())?) >> 7;
    let mut packed = Vec::with_capacity(text.len());
    for character in text.chars() {
        let code = u32::from(character);
        let [_, high, middle, low] = code.to_be_bytes();
        if character.is_ascii() && low != ESCAPE {
            packed.push(low);
        } else if code >> 7 == block {
            packed.push(low | 0x80);
        } else {
            packed.extend([ESCAPE, high, middle, low]);
        }
    }
    Some((block, packed))
}

pub(crate) fn decode(from: &mut Decoder<'_>) -> Result<String, Unreadable> {
    match from.byte(PART)? {
        UTF_8 => Ok(from.text(PART)?.to_owned()),
        PACKED => {
            let block = from.number(PART)?;
            unpack(block, from.bytes(PART)?).ok_or(Unreadable::Part(PART))
        }
        _ => Err(Unreadable::Part(PART)),
    }
}

fn unpack(block: u64, packed: &[u8]) -> Option<String> {
    let base = u32::try_from(block).ok()?.checked_mul(0x80)?;
    let mut text = String::with_capacity(packed.len() * 2);
    let mut bytes = packed.iter().copied();
    while let Some(byte) = bytes.next() {
        let code = match byte {
            ESCAPE => u32::from_be_bytes([0, bytes.next()?, bytes.next()?, bytes.next()?]),
            0x80.. => base.checked_add(u32::from(byte & 0x7F))?,
            ascii => ascii.into(),
        };
        text.push(char::from_u32(code)?);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(text: &str) -> Vec<u8> {
        let mut out = Encoder::default();
        encode(text, &mut out);
        out.0
    }

    #[test]
    fn a_text_takes_about_a_byte_per_character() {
        for (text, size) in [
            ("Your code is 123456", 21),
            ("Ваш код: 123456", 18),
            ("Ο κωδικός σας είναι 123456", 29),
            ("Ваш код — «123456» 👋", 35),
        ] {
            assert_eq!(encoded(text).len(), size, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in ".*|[а-яё 0-9👋\u{1}\n]*") {
            let bytes = encoded(&text);
            let mut decoder = Decoder(&bytes);
            prop_assert_eq!(decode(&mut decoder), Ok(text));
            prop_assert_eq!(decoder.end("end"), Ok(()));
        }

        #[test]
        fn no_bytes_are_too_strange_to_be_refused(bytes: Vec<u8>) {
            let _ = decode(&mut Decoder(&bytes));
        }
    }
}
