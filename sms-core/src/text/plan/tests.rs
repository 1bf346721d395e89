use proptest::prelude::*;

use super::*;

fn text(text: &str) -> MessageText {
    MessageText::new(text).unwrap()
}

#[test]
fn the_choice_decides_the_encoding() {
    use Encoding::{Gsm7, Ucs2};
    use EncodingChoice as Choice;
    for (original, choice, sent, encoding, original_encoding) in [
        ("it's", Choice::Auto, "it's", Gsm7, Gsm7),
        ("it's", Choice::Gsm7Strict, "it's", Gsm7, Gsm7),
        ("it's", Choice::Gsm7Smart, "it's", Gsm7, Gsm7),
        ("it's", Choice::Ucs2, "it's", Ucs2, Gsm7),
        ("it’s", Choice::Auto, "it’s", Ucs2, Ucs2),
        ("it’s", Choice::Gsm7Smart, "it's", Gsm7, Ucs2),
        ("it’s", Choice::Ucs2, "it’s", Ucs2, Ucs2),
        ("это’", Choice::Auto, "это’", Ucs2, Ucs2),
        ("это’", Choice::Gsm7Smart, "это’", Ucs2, Ucs2),
    ] {
        let plan = plan(&text(original), choice).unwrap();
        assert_eq!(plan.text.as_str(), sent, "{original} {choice}");
        assert_eq!(plan.encoding, encoding, "{original} {choice}");
        assert_eq!(
            plan.original_encoding, original_encoding,
            "{original} {choice}"
        );
        assert_eq!(
            plan.replacements.is_empty(),
            original == sent,
            "{original} {choice}"
        );
    }
}

#[test]
fn strict_names_the_first_character_that_gsm7_lacks() {
    let expected = TextError::NotGsm7 {
        character: '’',
        position: 3,
    };
    assert_eq!(
        plan(&text("it’s я"), EncodingChoice::Gsm7Strict),
        Err(expected)
    );
}

#[test]
fn segments_and_units_are_counted() {
    for (original, segments, units, units_per_segment) in [
        ("a".repeat(160), 1, 160, 160),
        ("a".repeat(161), 2, 161, 153),
        ("€".repeat(81), 2, 162, 153),
        ("я".repeat(70), 1, 70, 70),
        ("я".repeat(71), 2, 71, 67),
        ("😀".repeat(67), 3, 134, 67),
    ] {
        let plan = plan(&text(&original), EncodingChoice::Auto).unwrap();
        let counted = (plan.segments, plan.units, plan.units_per_segment);
        assert_eq!(counted, (segments, units, units_per_segment), "{original}");
    }
}

#[test]
fn one_curly_quote_does_not_triple_the_price_if_smart() {
    let original = text(&format!("it’s {}", "a".repeat(145)));
    assert_eq!(plan(&original, EncodingChoice::Auto).unwrap().segments, 3);
    assert_eq!(
        plan(&original, EncodingChoice::Gsm7Smart).unwrap().segments,
        1
    );
}

#[test]
fn the_limit_holds_for_the_encoding_that_is_chosen() {
    let original = text(&"a".repeat(1530));
    assert_eq!(plan(&original, EncodingChoice::Auto).unwrap().segments, 10);
    let expected = TextError::TooManySegments {
        segments: 23,
        limit: 10,
    };
    assert_eq!(plan(&original, EncodingChoice::Ucs2), Err(expected));
    assert_eq!(
        plan_within(&original, EncodingChoice::Ucs2, 23)
            .unwrap()
            .segments,
        23
    );
}

#[test]
fn a_text_of_zero_width_is_not_replaced_by_nothing() {
    let invisible = text("\u{200B}\u{FEFF}");
    let plan = plan(&invisible, EncodingChoice::Gsm7Smart).unwrap();
    assert_eq!((plan.text, plan.encoding), (invisible, Encoding::Ucs2));
}

#[test]
fn the_text_is_not_shown_by_debug() {
    let plan = plan(&text("secret"), EncodingChoice::Auto).unwrap();
    assert!(!format!("{plan:?}").contains("secret"));
}

proptest! {
    #[test]
    fn gsm7_if_and_only_if_every_character_is(original in "[a-zа-я€’ ]{0,3}[a-z€]{1,30}") {
        let plan = plan(&text(&original), EncodingChoice::Auto).unwrap();
        let each = original.chars().all(|c| gsm7::septets_of(c).is_some());
        prop_assert_eq!(plan.encoding == Encoding::Gsm7, each);
        prop_assert_eq!(plan.text.as_str(), original);
    }

    #[test]
    fn the_plan_counts_what_segmentation_gives(
        original in "[a-z€😀\r\n ]{1,300}x",
        choice in prop::sample::select(vec![EncodingChoice::Auto, EncodingChoice::Gsm7Smart, EncodingChoice::Ucs2]),
    ) {
        if let Ok(plan) = plan(&text(&original), choice) {
            let parts: Vec<&str> = crate::text::segment(plan.text.as_str(), plan.encoding).collect();
            prop_assert_eq!(plan.segments, parts.len());
            let units: usize = parts.iter().map(|part| crate::text::units(part, plan.encoding)).sum();
            prop_assert_eq!(plan.units, units);
        }
    }

    #[test]
    fn smart_never_takes_more_segments_than_auto(original in "[a-z‘’“”–…]{1,300}") {
        let original = text(&original);
        let auto = plan_within(&original, EncodingChoice::Auto, 255).unwrap();
        let smart = plan_within(&original, EncodingChoice::Gsm7Smart, 255).unwrap();
        prop_assert!(smart.segments <= auto.segments);
    }
}
