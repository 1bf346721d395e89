use proptest::prelude::*;

use super::*;

fn region(code: &str) -> Region {
    code.parse().unwrap()
}

fn clear(number: Result<PhoneNumber, NumberError>) -> Result<String, NumberError> {
    number.map(|number| number.e164().into())
}

#[test]
fn usual_ways_of_writing_give_the_same_number() {
    for text in [
        "+79991234567",
        "+7 999 123-45-67",
        "+7 (999) 123.45.67",
        "  +7\u{A0}999\u{2011}123\u{2013}45/67\n",
        "\u{202A}+7 999 123 45 67\u{202C}",
    ] {
        assert_eq!(
            clear(PhoneNumber::parse(text)),
            Ok("+79991234567".into()),
            "{text:?}"
        );
    }
}

#[test]
fn numbers_of_many_countries_are_kept_as_they_are() {
    for text in [
        "+12125550123",
        "+442079460018",
        "+447911123456",
        "+4915112345678",
        "+33612345678",
        "+390612345678",
        "+8613812345678",
        "+525512345678",
        "+5491123456789",
        "+77011234567",
        "+37060012345",
        "+6591234567",
        "+27821234567",
        "+919876543210",
        "+80012345678",
        "+881612345678",
    ] {
        let possible = PhoneNumber::parse_possible(text);
        assert_eq!(clear(possible), Ok(text.to_owned()), "{text}");
    }
}

#[test]
fn a_trunk_prefix_left_in_is_removed_where_the_country_has_one() {
    for (text, expected) in [
        ("+44 (0)20 7946 0018", "+442079460018"),
        ("+44 07911 123456", "+447911123456"),
        ("+49 (0)151 12345678", "+4915112345678"),
        // In Italy the zero belongs to the number.
        ("+39 (0)6 1234 5678", "+390612345678"),
    ] {
        assert_eq!(
            clear(PhoneNumber::parse(text)),
            Ok(expected.into()),
            "{text}"
        );
    }
}

#[test]
fn what_is_wrong_is_said() {
    use NumberError::*;
    for (text, error) in [
        ("", Empty),
        (" \t", Empty),
        ("+", TooShort { country_code: None }),
        ("+7", TooShort { country_code: None }),
        ("79991234567", MissingCountryCode),
        ("8 (999) 123-45-67", MissingCountryCode),
        ("+7999CALLNOW", Letters),
        ("+7 999 123-45-67 ext. 5", Letters),
        ("hello", Letters),
        ("+7 999 123+4567", UnexpectedCharacter),
        ("+7 999 123_45_67", UnexpectedCharacter),
        (
            "+7999123456",
            TooShort {
                country_code: Some(7),
            },
        ),
        (
            "+3706001234567",
            TooLong {
                country_code: Some(370),
            },
        ),
        ("+7999123456789012", TooLong { country_code: None }),
        ("+0123456789", UnknownCountryCode),
        ("+21012345678", UnknownCountryCode),
        ("+71231234567", Unassigned { country_code: 7 }),
    ] {
        assert_eq!(PhoneNumber::parse(text), Err(error), "{text:?}");
    }
}

#[test]
fn a_length_between_the_shortest_and_the_longest_can_be_impossible() {
    // Numbers of +7 have 10 digits, some of Kazakhstan 14.
    let error = NumberError::ImpossibleLength { country_code: 7 };
    assert_eq!(PhoneNumber::parse("+799912345678"), Err(error));
    assert_eq!(error.to_string().matches("+7 ").count(), 1, "{error}");
}

#[test]
fn a_range_that_is_not_assigned_yet_is_possible() {
    let text = "+71231234567";
    assert_eq!(clear(PhoneNumber::parse_possible(text)), Ok(text.into()));
}

#[test]
fn errors_never_contain_the_number() {
    for text in [
        "79991234567",
        "+7999123456",
        "+71231234567",
        "+7 999 CALL",
        "+799912345678901234",
    ] {
        let error = PhoneNumber::parse(text).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("999") && !shown.contains("123"), "{shown}");
    }
}

#[test]
fn national_numbers_need_a_region() {
    for (text, code, expected) in [
        ("8 (999) 123-45-67", "RU", "+79991234567"),
        ("9991234567", "ru", "+79991234567"),
        ("0151 12345678", "DE", "+4915112345678"),
        ("(212) 555-0123", "US", "+12125550123"),
        ("06 1234 5678", "IT", "+390612345678"),
        ("+44 7911 123456", "RU", "+447911123456"),
    ] {
        let number = PhoneNumber::parse_national(text, region(code));
        assert_eq!(clear(number), Ok(expected.into()), "{text} in {code}");
    }
}

#[test]
fn national_errors_are_said_too() {
    let ru = region("RU");
    for (text, error) in [
        ("", NumberError::Empty),
        ("call me", NumberError::Letters),
        ("9", NumberError::TooShort { country_code: None }),
        (
            "123-45-67",
            NumberError::TooShort {
                country_code: Some(7),
            },
        ),
        ("1231234567", NumberError::Unassigned { country_code: 7 }),
    ] {
        assert_eq!(
            PhoneNumber::parse_national(text, ru),
            Err(error),
            "{text:?}"
        );
    }
}

#[test]
fn regions_are_those_with_a_plan() {
    for text in ["", "R", "RUS", "XX", "001", "7"] {
        assert_eq!(
            text.parse::<Region>(),
            Err(NumberError::UnknownRegion),
            "{text:?}"
        );
    }
    assert_eq!(region("de").as_str(), "DE");
}

#[test]
fn the_older_service_read_numbers_like_this() {
    for (text, expected) in [
        ("89991234567", "+79991234567"),
        ("8 (999) 123-45-67", "+79991234567"),
        ("79991234567", "+79991234567"),
        ("+7 999 123 45 67", "+79991234567"),
        ("tel: 7-999-123-45-67", "+79991234567"),
        // Twelve digits: the 8 is part of a country code.
        ("821012345678", "+821012345678"),
        ("8613812345678", "+8613812345678"),
        // The range does not have to be assigned.
        ("71231234567", "+71231234567"),
    ] {
        assert_eq!(
            clear(PhoneNumber::parse_legacy(text)),
            Ok(expected.into()),
            "{text}"
        );
    }
    for (text, error) in [
        ("", NumberError::Empty),
        ("no number", NumberError::Empty),
        (
            "7999123456",
            NumberError::TooShort {
                country_code: Some(7),
            },
        ),
        ("9991234567", NumberError::UnknownCountryCode),
        (
            "112",
            NumberError::TooShort {
                country_code: Some(1),
            },
        ),
    ] {
        assert_eq!(PhoneNumber::parse_legacy(text), Err(error), "{text:?}");
    }
}

#[test]
fn is_shown_masked() {
    for (text, masked) in [
        ("+79991234567", "+7•••••••567"),
        ("+442079460018", "+44•••••••018"),
        ("+37060012345", "+370••••••45"),
        ("+29041234", "+290••••4"),
    ] {
        let number = PhoneNumber::parse_possible(text).unwrap();
        assert_eq!(format!("{number} {number:?}"), format!("{masked} {masked}"));
        let clear = number.e164();
        assert_eq!(
            format!("{clear:?}"),
            format!("ClearText({} characters)", text.len())
        );
    }
}

#[test]
fn is_given_in_clear_on_request() {
    let number = PhoneNumber::parse("+79991234567").unwrap();
    assert_eq!(number.e164().to_string(), "+79991234567");
    assert_eq!(number.digits().as_str(), "79991234567");
    assert_eq!(number.to_u64(), 79_991_234_567);
}

#[test]
fn country_and_region_are_known() {
    for (text, code, expected) in [
        ("+79991234567", 7, Some("RU")),
        ("+77011234567", 7, Some("KZ")),
        ("+12125550123", 1, Some("US")),
        ("+14165550123", 1, Some("CA")),
        ("+442079460018", 44, Some("GB")),
        ("+37060012345", 370, Some("LT")),
        ("+80012345678", 800, None),
        ("+71231234567", 7, None),
    ] {
        let number = PhoneNumber::parse_possible(text).unwrap();
        assert_eq!(number.country_code(), code, "{text}");
        assert_eq!(
            number.region().map(|r| r.to_string()).as_deref(),
            expected,
            "{text}"
        );
    }
}

#[test]
fn country_codes_are_those_of_the_library() {
    for code in rlibphonenumber::PHONE_NUMBER_UTIL.get_supported_calling_codes() {
        let digits = format!("{code}123456789");
        assert_eq!(i32::from(plan::country_code(&digits)), code);
    }
}

#[test]
fn the_stored_form_is_read_whatever_the_plans_say() {
    let unassigned = "\"+21012345678\"";
    let number: PhoneNumber = serde_json::from_str(unassigned).unwrap();
    assert_eq!(serde_json::to_string(&number).unwrap(), unassigned);
}

#[test]
fn only_the_stored_form_is_read_from_the_store() {
    for text in [
        "79991234567",
        "+7 999 1234567",
        "+",
        "+12",
        "+0999",
        "+1234567890123456",
        "",
        "++1234",
    ] {
        let json = serde_json::to_string(text).unwrap();
        assert!(
            serde_json::from_str::<PhoneNumber>(&json).is_err(),
            "{text:?}"
        );
    }
}

/// Numbers as they are dialled: a country code that exists, and some digits.
fn plausible() -> impl Strategy<Value = String> {
    let codes: Vec<i32> = rlibphonenumber::PHONE_NUMBER_UTIL
        .get_supported_calling_codes()
        .collect();
    (prop::sample::select(codes), "[0-9]{4,12}").prop_map(|(code, rest)| format!("+{code}{rest}"))
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = PhoneNumber::parse(&text);
        let _ = PhoneNumber::parse_legacy(&text);
        let _ = PhoneNumber::parse_national(&text, region("RU"));
    }

    #[test]
    fn what_the_library_holds_valid_is_taken_alike(text in plausible()) {
        use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};
        let theirs = PHONE_NUMBER_UTIL.parse(&text, None).ok().filter(|n| PHONE_NUMBER_UTIL.is_valid_number(n));
        if let Some(theirs) = theirs {
            let theirs = PHONE_NUMBER_UTIL.format(&theirs, PhoneNumberFormat::E164).into_owned();
            let ours = PhoneNumber::parse(&text);
            // Where the digits as they stand are a number, they are not touched.
            prop_assert!(clear(ours) == Ok(theirs.clone()) || clear(ours) == Ok(text.clone()), "{} {}", text, theirs);
        }
    }

    #[test]
    fn clear_form_reads_back(text in plausible()) {
        if let Ok(number) = PhoneNumber::parse_possible(&text) {
            prop_assert_eq!(PhoneNumber::parse_possible(&number.e164()), Ok(number));
            let json = serde_json::to_string(&number).unwrap();
            prop_assert_eq!(serde_json::from_str::<PhoneNumber>(&json).unwrap(), number);
        }
    }

    #[test]
    fn the_mask_hides_two_thirds_at_least(text in plausible()) {
        if let Ok(number) = PhoneNumber::parse_possible(&text) {
            let shown = number.to_string();
            let national = number.digits().len() - number.country_code().to_string().len();
            let hidden = shown.chars().filter(|&c| c == '•').count();
            prop_assert!(hidden * 3 >= national * 2, "{}", shown);
        }
    }
}
