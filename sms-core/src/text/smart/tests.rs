use proptest::prelude::*;

use super::*;

fn folded(text: &str) -> Option<String> {
    fold(text).map(|(folded, _)| folded)
}

#[test]
fn typographic_characters_become_plain() {
    for (text, plain) in [
        ("‘a’ ‚b‛ ′c‵ ʹd ʻe ʼf `g´", "'a' 'b' 'c' 'd 'e 'f 'g'"),
        ("“a” „b‟ ″c‶", "\"a\" \"b\" \"c\""),
        ("«a» ‹b›", "<a> <b>"),
        ("a‐b‑c‒d–e—f―g−h﹘i﹣j－k", "a-b-c-d-e-f-g-h-i-j-k"),
        ("wait…", "wait..."),
        ("• one", "* one"),
        (
            "a\tb\u{A0}c\u{2003}d\u{200A}e\u{202F}f\u{205F}g\u{3000}h",
            "a b c d e f g h",
        ),
        ("a\u{2028}b\u{2029}c", "a\nb\nc"),
        (
            "a\u{AD}b\u{200B}c\u{200D}d\u{200E}e\u{2060}f\u{FEFF}g",
            "abcdefg",
        ),
        ("ＡＢＣ　１２３！？＠｀～", "ABC 123!?@'~"),
    ] {
        assert_eq!(folded(text).as_deref(), Some(plain), "{text}");
    }
}

#[test]
fn all_or_nothing() {
    for text in [
        "“Привет”",
        "it’s 😀",
        "ça va…",
        "naïve–",
        "👨\u{200D}👩\u{200D}👧",
    ] {
        assert_eq!(folded(text), None, "{text}");
    }
}

#[test]
fn what_gsm7_has_is_left_alone() {
    let text = "Größe: 5 € [ok] {a|b} Ωmega\r\n";
    assert_eq!(fold(text), Some((text.to_owned(), vec![])));
}

#[test]
fn replacements_are_counted_in_order_of_appearance() {
    let (_, replacements) = fold("“it’s” – “you’re”…").unwrap();
    let counted: Vec<_> = replacements
        .iter()
        .map(|r| (r.from, r.to, r.count))
        .collect();
    assert_eq!(
        counted,
        [
            ('“', "\"", 2),
            ('’', "'", 2),
            ('”', "\"", 2),
            ('–', "-", 1),
            ('…', "...", 1)
        ]
    );
}

#[test]
fn full_width_forms_are_ascii() {
    for (offset, character) in ('\u{FF01}'..='\u{FF5E}').enumerate() {
        let ascii = char::from(b'!' + u8::try_from(offset).unwrap()).to_string();
        let expected = if ascii == "`" { "'" } else { &ascii };
        assert_eq!(equivalent(character), Some(expected), "{character}");
    }
}

#[test]
fn every_equivalent_is_gsm7_and_of_a_character_that_is_not() {
    for character in (0..=0x0010_FFFF).filter_map(char::from_u32) {
        if let Some(plain) = equivalent(character) {
            assert!(gsm7::is_encodable(plain), "{character:?}");
            assert_eq!(gsm7::septets_of(character), None, "{character:?}");
        }
    }
}

proptest! {
    #[test]
    fn what_comes_out_is_gsm7(text in "[a-z‘’“”–…\u{A0}•€я]{0,50}") {
        match fold(&text) {
            Some((folded, replacements)) => {
                prop_assert!(gsm7::is_encodable(&folded));
                prop_assert_eq!(replacements.is_empty(), folded == text);
                let replaced: usize = replacements.iter().map(|r| r.count).sum();
                prop_assert_eq!(replaced, text.chars().filter(|&c| gsm7::septets_of(c).is_none()).count());
            }
            None => prop_assert!(text.contains('я')),
        }
    }
}
