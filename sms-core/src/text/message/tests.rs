use super::*;

fn read(text: &str) -> Result<MessageText, serde_json::Error> {
    serde_json::from_str(&serde_json::to_string(text).unwrap())
}

#[test]
fn blank_texts_are_refused() {
    for text in ["", " ", "\r\n\t", "\u{A0}\u{3000}"] {
        assert_eq!(MessageText::new(text), Err(TextError::Empty), "{text:?}");
        assert!(read(text).is_err(), "{text:?}");
    }
}

#[test]
fn control_characters_of_gsm7_and_tab_are_carried() {
    let text = "a\nb\r\nc\u{0C}d\te";
    assert_eq!(MessageText::new(text).unwrap().as_str(), text);
}

#[test]
fn other_control_characters_are_refused() {
    for code in (0_u32..0x20)
        .chain(0x7F..0xA0)
        .filter(|code| ![9, 10, 12, 13].contains(code))
    {
        let text = format!("ab{}", char::from_u32(code).unwrap());
        let expected = TextError::ControlCharacter { code, position: 3 };
        assert_eq!(MessageText::new(text), Err(expected), "{code:#x}");
    }
}

#[test]
fn ten_segments_are_taken_and_eleven_are_not() {
    for (character, most) in [("a", 1530), ("€", 760), ("я", 670), ("😀", 330)] {
        assert!(
            MessageText::new(character.repeat(most)).is_ok(),
            "{character}"
        );
        let expected = TextError::TooManySegments {
            segments: 11,
            limit: 10,
        };
        assert_eq!(
            MessageText::new(character.repeat(most + 1)),
            Err(expected),
            "{character}"
        );
    }
}

#[test]
fn a_text_that_fits_after_replacements_is_taken() {
    // 20 segments in UCS-2, 9 in GSM-7.
    let text = format!("“{}”", "a".repeat(1300));
    assert!(MessageText::new(text).is_ok());
}

#[test]
fn the_largest_texts_of_ten_segments_are_under_the_byte_bound() {
    for character in ['€', '’', 'я', '한'] {
        let most = if character == '’' {
            1530
        } else if character == '€' {
            760
        } else {
            670
        };
        let text: String = std::iter::repeat_n(character, most).collect();
        assert!(MessageText::new(text).is_ok(), "{character}");
    }
}

#[test]
fn texts_beyond_the_byte_bound_are_refused_at_once() {
    let text = "a".repeat(10_000_000);
    let expected = TextError::TooLarge {
        bytes: 10_000_000,
        limit: 4800,
    };
    assert_eq!(MessageText::new(text), Err(expected));
}

#[test]
fn a_limit_of_ones_own() {
    assert!(MessageText::within("a".repeat(160), 1).is_ok());
    let error = MessageText::within("a".repeat(161), 1).unwrap_err();
    assert_eq!(
        error,
        TextError::TooManySegments {
            segments: 2,
            limit: 1
        }
    );
    assert!(MessageText::within("я".repeat(67 * 255), 255).is_ok());
}

#[test]
fn is_never_shown() {
    let text = MessageText::new("Ваш код 1234").unwrap();
    assert_eq!(format!("{text:?}"), "MessageText(12 chars)");
}

#[test]
fn errors_never_contain_the_text() {
    for text in ["secret\0", &"secret ".repeat(300), &"secret ".repeat(3000)] {
        let error = MessageText::new(text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    }
}

#[test]
fn is_stored_in_clear_and_read_back() {
    let text = MessageText::new("Привет 😀").unwrap();
    assert_eq!(read(text.as_str()).unwrap(), text);
    assert_eq!(serde_json::to_string(&text).unwrap(), "\"Привет 😀\"");
}

#[test]
fn a_stored_text_longer_than_todays_limit_is_read() {
    let text = "я".repeat(67 * 255);
    assert_eq!(read(&text).unwrap().as_str(), text);
    assert!(read(&"я".repeat(MAX_STORED_BYTES)).is_err());
}
