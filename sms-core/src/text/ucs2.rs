//! UCS-2 as it is used: UTF-16, big end first (3GPP TS 23.038, 6.2.3).

/// UTF-16 units that `text` takes. Does not allocate.
#[must_use]
pub fn units(text: &str) -> usize {
    // In UTF-8, every character has one byte that is no continuation (10xxxxxx), and exactly those
    // that need a surrogate pair start with 11110xxx.
    let starts = text.bytes().filter(|byte| byte & 0xC0 != 0x80).count();
    let pairs = text.bytes().filter(|byte| *byte >= 0xF0).count();
    starts + pairs
}

/// The octets of `text`.
#[must_use]
pub fn encode(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// The text of `octets`; `None` if their number is odd or a surrogate stands alone.
#[must_use]
pub fn decode(octets: &[u8]) -> Option<String> {
    let pairs = octets.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    let units = pairs.map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    char::decode_utf16(units).collect::<Result<_, _>>().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn big_end_first_and_pairs_for_emoji() {
        assert_eq!(encode("Яü"), [0x04, 0x2F, 0x00, 0xFC]);
        assert_eq!(encode("😀"), [0xD8, 0x3D, 0xDE, 0x00]);
    }

    #[test]
    fn half_a_unit_or_half_a_pair_is_no_text() {
        for octets in [
            &[0x04][..],
            &[0xD8, 0x3D],
            &[0xDE, 0x00],
            &[0xD8, 0x3D, 0x00, 0x41],
        ] {
            assert_eq!(decode(octets), None, "{octets:x?}");
        }
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(text in any::<String>()) {
            let octets = encode(&text);
            prop_assert_eq!(octets.len(), units(&text) * 2);
            prop_assert_eq!(decode(&octets), Some(text));
        }
    }
}
