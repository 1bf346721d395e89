use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<(SenderKind, String), SenderError> {
    SenderId::parse(text).map(|sender| (sender.kind(), sender.text().into()))
}

#[test]
fn the_three_kinds_are_told_apart() {
    use SenderKind::{Alphanumeric, Number, ShortCode};
    for (text, kind, clear) in [
        ("+79991234567", Number, "+79991234567"),
        ("+7 (999) 123-45-67", Number, "+79991234567"),
        ("+71231234567", Number, "+71231234567"),
        ("123", ShortCode, "123"),
        ("00123", ShortCode, "00123"),
        ("12345678", ShortCode, "12345678"),
        ("MyBrand", Alphanumeric, "MyBrand"),
        ("A", Alphanumeric, "A"),
        ("7eleven", Alphanumeric, "7eleven"),
        ("My Brand 24", Alphanumeric, "My Brand 24"),
        ("H&M", Alphanumeric, "H&M"),
    ] {
        assert_eq!(read(text), Ok((kind, clear.to_owned())), "{text}");
    }
}

#[test]
fn all_specials_that_providers_take_are_taken() {
    for special in "'!\"#$%()*+,-./:;<=>?@[\\]^_`{|}~".chars() {
        let text = format!("a{special}b");
        assert_eq!(
            read(&text),
            Ok((SenderKind::Alphanumeric, text.clone())),
            "{text}"
        );
    }
}

#[test]
fn what_is_wrong_is_said() {
    for (text, error) in [
        ("", SenderError::Empty),
        ("  ", SenderError::Empty),
        ("12", SenderError::ShortCodeLength { length: 2 }),
        ("123456789", SenderError::ShortCodeLength { length: 9 }),
        ("79991234567", SenderError::ShortCodeLength { length: 11 }),
        ("TwelveLetter", SenderError::TooLong { length: 12 }),
        (
            "A sender far longer than sixteen",
            SenderError::TooLong { length: 32 },
        ),
        (
            "Бренд",
            SenderError::Character {
                character: 'Б',
                position: 1,
            },
        ),
        (
            "Café",
            SenderError::Character {
                character: 'é',
                position: 4,
            },
        ),
        (
            "a\tb",
            SenderError::Character {
                character: '\t',
                position: 2,
            },
        ),
        ("12-34", SenderError::NoLetter),
        (" Brand", SenderError::OuterSpace),
        ("Brand ", SenderError::OuterSpace),
        ("+Brand", SenderError::Number(NumberError::Letters)),
        (
            "+7999",
            SenderError::Number(NumberError::TooShort {
                country_code: Some(7),
            }),
        ),
    ] {
        assert_eq!(read(text), Err(error), "{text:?}");
    }
}

#[test]
fn a_phone_number_is_shown_masked_and_the_rest_in_clear() {
    for (text, shown) in [
        ("+79991234567", "+7•••••••567"),
        ("12345", "12345"),
        ("MyBrand", "MyBrand"),
    ] {
        let sender = SenderId::parse(text).unwrap();
        assert_eq!(sender.to_string(), shown);
        assert_eq!(format!("{sender:?}"), format!("SenderId({shown})"));
    }
}

#[test]
fn the_number_is_there_if_it_is_one() {
    let number = PhoneNumber::parse("+79991234567").unwrap();
    assert_eq!(
        SenderId::parse("+79991234567").unwrap().number(),
        Some(number)
    );
    assert_eq!(SenderId::parse("12345").unwrap().number(), None);
}

proptest! {
    #[test]
    fn what_is_written_reads_back(text in "[ -~]{1,11}|[0-9]{3,8}|\\+7[0-9]{10}") {
        if let Ok(sender) = SenderId::parse(&text) {
            let json = serde_json::to_string(&sender).unwrap();
            prop_assert_eq!(serde_json::from_str::<SenderId>(&json).unwrap(), sender);
            prop_assert_eq!(SenderId::parse(&sender.text()), Ok(sender));
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = SenderId::parse(&text);
    }
}
