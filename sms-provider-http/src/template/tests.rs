use proptest::prelude::*;
use serde_json::{Value, json};
use sms_core::{CallbackUrl, Encoding, MessageId, MessageText, Submission, Timestamp};

use super::*;

pub(crate) fn submission(text: &str) -> Submission {
    let id: MessageId = "0191a4a4-0000-7000-8000-000000000000".parse().unwrap();
    let id = id.reference().id();
    Submission {
        id,
        reference: id.reference(),
        attempt: 1,
        to: "+79991234567".parse().unwrap(),
        from: Some("+79990000001".parse().unwrap()),
        text: MessageText::within(text, 255).unwrap(),
        encoding: Encoding::Gsm7,
        segments: 2,
        expires_at: Timestamp::from_millis(1_700_000_000_999),
        callback_url: Some(CallbackUrl::new("https://us/cb?a=1&b=2".to_owned())),
    }
}

fn values(submission: &Submission) -> Values<'_> {
    Values {
        submission,
        from: None,
        encoding: "unicode",
        remaining: Remaining {
            now: Timestamp::from_millis(1_700_000_000_999 - 150_000),
            least: None,
            most: None,
        },
    }
}

fn rendered(template: &str) -> String {
    Template::parse(template)
        .unwrap()
        .render(&values(&submission("Hi {text}")))
}

#[test]
fn every_variable_stands_for_its_part_of_the_message() {
    let message = submission("Hi");
    for (variable, expected) in [
        ("{to}", "+79991234567"),
        ("{to_digits}", "79991234567"),
        ("{from}", "+79990000001"),
        ("{from_digits}", "79990000001"),
        ("{text}", "Hi {text}"),
        ("{reference}", message.reference.as_str()),
        ("{id}", message.id.to_string().as_str()),
        ("{callback_url}", "https://us/cb?a=1&b=2"),
        ("{segments}", "2"),
        ("{encoding}", "unicode"),
        ("{expires_at}", "2023-11-14T22:13:20.999Z"),
        ("{expires_at_unix}", "1700000000"),
        ("{text_gsm7}", "Hi {text}"),
        ("{ttl_seconds}", "150"),
        ("{ttl_minutes}", "2"),
        ("{ttl_ms}", "150000"),
    ] {
        assert_eq!(rendered(variable), expected, "{variable}");
    }
}

#[test]
fn doubled_braces_are_braces() {
    assert_eq!(rendered("{{to}} }}{{ {to}"), "{to} }{ +79991234567");
    assert_eq!(rendered(""), "");
}

#[test]
fn what_is_wrong_with_a_template_is_said() {
    for (template, part) in [
        ("{to", "without its }"),
        ("to}", "without its {"),
        (
            "é {phone}",
            "unknown variable at character 3; known are {to}",
        ),
        ("{}", "unknown variable at character 1"),
        ("{phone:number}", "unknown variable at character 1"),
        ("{text:number}", ":number at character 1"),
        ("+{to_digits:number}", ":number at character 2"),
    ] {
        let error = Template::parse(template).unwrap_err().to_string();
        assert!(error.contains(part), "{template}: {error}");
    }
}

#[test]
fn a_mistake_in_a_template_repeats_nothing_of_it() {
    for template in [
        "{hunter2}",
        "{hunter2:number}",
        "{hunter2",
        "hunter2}",
        "{to}{hunter2}",
    ] {
        let error = Template::parse(template).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn the_text_of_one_encoding_is_there_for_messages_in_it_only() {
    let mut message = submission("Ж\u{1F600}");
    let template = json!({
        "hex": "{text_ucs2_hex}", "plain": "{text_gsm7}", "both": "{text_gsm7}{text_ucs2_hex}",
    });
    message.encoding = Encoding::Ucs2;
    assert_eq!(
        json_of(&template, &message),
        json!({ "hex": "0416D83DDE00", "both": "0416D83DDE00" })
    );
    message.encoding = Encoding::Gsm7;
    assert_eq!(
        json_of(&template, &message),
        json!({ "plain": "Ж\u{1F600}", "both": "Ж\u{1F600}" })
    );
}

#[test]
fn a_template_does_not_show_its_text() {
    let template = Template::parse("key=hunter2&to={to}").unwrap();
    assert_eq!(format!("{template:?}"), "[To]");
}

fn json_of(template: &Value, submission: &Submission) -> Value {
    let template = JsonTemplate::parse(template).unwrap();
    serde_json::to_value(template.of(&values(submission))).unwrap()
}

#[test]
fn json_values_keep_their_types_and_numbers_can_be_asked_for() {
    let template = json!({
        "to": ["{to_digits:number}"], "text": "{text}", "parts": "{segments:number}",
        "flash": false, "weight": 1.5, "nothing": null, "until": "{expires_at_unix}",
        "ttl": "{ttl_seconds:number}",
    });
    let expected = json!({
        "to": [79_991_234_567_u64], "text": "a\"b\\", "parts": 2,
        "flash": false, "weight": 1.5, "nothing": null, "until": "1700000000", "ttl": 150,
    });
    assert_eq!(json_of(&template, &submission("a\"b\\")), expected);
}

#[test]
fn a_lone_variable_without_value_or_half_a_url_leaves_its_field_out() {
    let mut message = submission("Hi");
    message.callback_url = None;
    let template = json!({
        "one": "{callback_url}", "many": ["{callback_url}"], "part": "{callback_url}?state=%d",
    });
    let expected = json!({ "many": [] });
    assert_eq!(json_of(&template, &message), expected);
}

#[test]
fn an_error_in_a_json_template_tells_where() {
    let template = json!({ "messages": [{ "to": "{to}" }, { "to": "{too}" }] });
    let (path, _) = JsonTemplate::parse(&template).unwrap_err();
    assert_eq!(path, ".messages[1].to");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "[{}a-z:_é]{0,30}") {
        let _ = Template::parse(&text);
    }

    #[test]
    fn a_text_with_its_braces_doubled_stands_for_itself(text in "\\PC{0,40}") {
        let doubled = text.replace('{', "{{").replace('}', "}}");
        prop_assert_eq!(rendered(&doubled), text);
    }

    #[test]
    fn json_carries_any_text(text in "[^\\p{Cc}]{0,20}x") {
        let sent = json_of(&json!({ "text": "{text}" }), &submission(&text));
        prop_assert_eq!(sent["text"].as_str(), Some(text.as_str()));
    }

    #[test]
    fn a_form_carries_any_text(text in "[^\\p{Cc}]{0,20}x") {
        let mut form = "text=".to_owned();
        percent_encode(&text, &mut form);
        let read: Vec<_> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        prop_assert_eq!(read, vec![("text".to_owned(), text)]);
    }
}
