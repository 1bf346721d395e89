use proptest::prelude::*;

use super::*;

/// Texts that GSM-7 can express, extension characters among them.
fn gsm7_text() -> impl Strategy<Value = String> {
    let mut characters: Vec<char> = DEFAULT.to_vec();
    characters.extend(EXTENSION.iter().map(|(_, character)| *character));
    prop::collection::vec(prop::sample::select(characters), 0..400).prop_map(String::from_iter)
}

/// Character and code as the standard's table gives them, in rows of its columns.
#[test]
fn default_alphabet_is_the_standards() {
    for (code, character) in [
        (0x00, '@'),
        (0x01, '£'),
        (0x02, '$'),
        (0x03, '¥'),
        (0x04, 'è'),
        (0x05, 'é'),
        (0x06, 'ù'),
        (0x07, 'ì'),
        (0x08, 'ò'),
        (0x09, 'Ç'),
        (0x0A, '\n'),
        (0x0B, 'Ø'),
        (0x0C, 'ø'),
        (0x0D, '\r'),
        (0x0E, 'Å'),
        (0x0F, 'å'),
        (0x10, '\u{0394}'),
        (0x11, '_'),
        (0x12, '\u{03A6}'),
        (0x13, '\u{0393}'),
        (0x14, '\u{039B}'),
        (0x15, '\u{03A9}'),
        (0x16, '\u{03A0}'),
        (0x17, '\u{03A8}'),
        (0x18, '\u{03A3}'),
        (0x19, '\u{0398}'),
        (0x1A, '\u{039E}'),
        (0x1C, 'Æ'),
        (0x1D, 'æ'),
        (0x1E, 'ß'),
        (0x1F, 'É'),
        (0x24, '¤'),
        (0x40, '¡'),
        (0x5B, 'Ä'),
        (0x5C, 'Ö'),
        (0x5D, 'Ñ'),
        (0x5E, 'Ü'),
        (0x5F, '§'),
        (0x60, '¿'),
        (0x7B, 'ä'),
        (0x7C, 'ö'),
        (0x7D, 'ñ'),
        (0x7E, 'ü'),
        (0x7F, 'à'),
    ] {
        assert_eq!(
            encode(&character.to_string()),
            Ok(vec![code]),
            "{character:?}"
        );
    }
    // The rest is where ASCII has it.
    let ascii = (0x20..=0x5A)
        .chain(0x61..=0x7A)
        .filter(|code| ![0x24, 0x40].contains(code));
    for code in ascii {
        assert_eq!(
            encode(&char::from(code).to_string()),
            Ok(vec![code]),
            "{code:#x}"
        );
    }
}

#[test]
fn extension_characters_are_escaped() {
    for (character, code) in [
        ('\u{0C}', 0x0A),
        ('^', 0x14),
        ('{', 0x28),
        ('}', 0x29),
        ('\\', 0x2F),
        ('[', 0x3C),
        ('~', 0x3D),
        (']', 0x3E),
        ('|', 0x40),
        ('€', 0x65),
    ] {
        assert_eq!(
            encode(&character.to_string()),
            Ok(vec![0x1B, code]),
            "{character:?}"
        );
        assert_eq!(septets_of(character), Some(2));
    }
}

#[test]
fn the_alphabet_has_137_characters() {
    let encodable = (0..=0x0010_FFFF)
        .filter_map(char::from_u32)
        .filter(|&c| septets_of(c).is_some());
    assert_eq!(encodable.count(), 127 + 10);
}

#[test]
fn characters_that_look_alike_are_not_in_it() {
    for character in ['ç', 'Α', 'А', '`', '\t', '\u{1B}', '\0', '\u{A0}', '’', 'Ё'] {
        assert_eq!(septets_of(character), None, "{character:?}");
    }
}

#[test]
fn the_first_foreign_character_is_named() {
    let error = NotGsm7 {
        character: 'ы',
        position: 4,
    };
    assert_eq!(encode("abcыef–"), Err(error));
}

#[test]
fn receivers_show_unknown_codes_as_the_standard_asks() {
    for (septets, text) in [
        (&[0x1B, 0x41][..], "A"),
        (&[0x1B], " "),
        (&[0x1B, 0x1B], " "),
        (&[0x1B, 0x1B, 0x65], " e"),
        (&[0x41, 0x1B, 0x65, 0x42], "A€B"),
    ] {
        assert_eq!(decode(septets).as_deref(), Some(text), "{septets:x?}");
    }
    assert_eq!(decode(&[0x41, 0x80]), None);
}

#[test]
fn packs_as_in_known_examples() {
    for (text, octets) in [
        ("", &[][..]),
        ("a", &[0x61]),
        (
            "hellohello",
            &[0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37],
        ),
        ("1234567", &[0x31, 0xD9, 0x8C, 0x56, 0xB3, 0xDD, 0x00]),
    ] {
        assert_eq!(pack(&encode(text).unwrap(), 0), octets, "{text}");
    }
}

#[test]
fn seven_and_eight_septets_differ_by_their_count_only() {
    let seven = encode("1234567").unwrap();
    let at = encode("1234567@").unwrap();
    assert_eq!(pack(&seven, 0), pack(&at, 0));
    assert_eq!(unpack(&pack(&seven, 0), 0, 7), Some(seven));
    assert_eq!(unpack(&pack(&at, 0), 0, 8), Some(at));
}

#[test]
fn a_carriage_return_at_the_end_of_an_octet_stays() {
    for text in ["1234567\r", "123456\r", "1234567\r\r"] {
        let septets = encode(text).unwrap();
        assert_eq!(
            unpack(&pack(&septets, 0), 0, septets.len()),
            Some(septets),
            "{text:?}"
        );
    }
}

#[test]
fn fill_bits_reach_the_next_septet() {
    for (header, bits) in [(0, 0), (1, 6), (4, 3), (6, 1), (7, 0), (12, 2)] {
        assert_eq!(fill_bits(header), bits, "{header}");
        assert_eq!((header * 8 + bits) % 7, 0);
    }
    // One bit after the concatenation header: "a" is shifted by it.
    assert_eq!(pack(&[0x61], 1), [0xC2]);
}

#[test]
fn a_full_segment_fills_140_octets() {
    assert_eq!(pack(&[0x7F; 160], 0).len(), 140);
    assert_eq!(pack(&[0x7F; 153], fill_bits(6)).len(), 134);
}

#[test]
fn too_few_octets_are_refused() {
    assert_eq!(unpack(&[0x61], 0, 2), None);
    assert_eq!(unpack(&[], 0, usize::MAX), None);
    assert_eq!(unpack(&[], 0, 0), Some(vec![]));
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(text in gsm7_text()) {
        // The table's place of ESC decodes to a space, as a space does.
        let septets = encode(&text).unwrap();
        prop_assert_eq!(septets.len(), self::septets(&text).unwrap());
        prop_assert_eq!(decode(&septets), Some(text));
    }

    #[test]
    fn encodable_means_every_character_is(text in any::<String>()) {
        let each = text.chars().all(|c| septets_of(c).is_some());
        prop_assert_eq!(is_encodable(&text), each);
        prop_assert_eq!(encode(&text).is_ok(), each);
    }

    #[test]
    fn unpacking_undoes_packing(
        septets in prop::collection::vec(0_u8..0x80, 0..200),
        fill_bits in 0_usize..7,
    ) {
        let octets = pack(&septets, fill_bits);
        prop_assert_eq!(octets.len(), (septets.len() * 7 + fill_bits).div_ceil(8));
        prop_assert_eq!(unpack(&octets, fill_bits, septets.len()), Some(septets));
    }

    #[test]
    fn any_octets_unpack_to_septets(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        let count = octets.len() * 8 / 7;
        let septets = unpack(&octets, 0, count).unwrap();
        prop_assert!(decode(&septets).is_some());
    }
}
