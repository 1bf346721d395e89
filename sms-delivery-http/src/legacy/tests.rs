use super::*;

const REFERENCE: &str = "0123456789ABCDEF";

fn report(body: &str) -> IncomingReport {
    read(body.as_bytes()).unwrap().report
}

fn problem(body: &[u8]) -> String {
    read(body).unwrap_err().to_string()
}

fn body(msg_id: &str) -> String {
    format!(r#"{{"msg_id":{msg_id},"receipted_message_id":"1","status":"delivered"}}"#)
}

#[test]
fn a_delivered_report_keeps_all_that_it_says() {
    let read = report(
        r#"{"msg_id":"0123456789ABCDEF","receipted_message_id":"917615ac","status":"delivered",
            "short_message":"id:917615ac stat:DELIVRD err:007"}"#,
    );
    assert_eq!(
        read,
        IncomingReport {
            subject: Subject::Reference(REFERENCE.parse().unwrap()),
            status: ReportStatus::Delivered,
            provider_id: None,
            receipt_id: Some("917615ac".into()),
            code: Some("007".into()),
            text: Some("id:917615ac stat:DELIVRD err:007".into()),
        }
    );
}

#[test]
fn a_failure_is_told_apart_by_the_words_of_the_receipt() {
    for (words, expected) in [
        ("stat:UNDELIV", ReportStatus::Undelivered),
        ("stat:DELETED", ReportStatus::Undelivered),
        ("stat:EXPIRED", ReportStatus::Expired),
        ("id:1 stat:REJECTD err:069", ReportStatus::Rejected),
        ("stat:UNKNOWN", ReportStatus::Unknown),
        ("stat:", ReportStatus::Undelivered),
        ("", ReportStatus::Undelivered),
        // What follows was written by the sender of the message.
        ("id:1 text: stat:EXPIRED", ReportStatus::Undelivered),
        (
            "id:1 Text:stat:EXPIRED stat:EXPIRED",
            ReportStatus::Undelivered,
        ),
    ] {
        let body = format!(
            r#"{{"msg_id":"x","receipted_message_id":1,"status":"delivery_failed","short_message":"{words}"}}"#
        );
        assert_eq!(report(&body).status, expected, "{words}");
    }
}

#[test]
fn delivered_is_delivered_whatever_the_receipt_says() {
    let body = r#"{"msg_id":"x","receipted_message_id":1,"status":"delivered","short_message":"stat:EXPIRED"}"#;
    assert_eq!(report(body).status, ReportStatus::Delivered);
}

#[test]
fn a_message_is_named_by_id_by_reference_or_by_the_providers_own_id() {
    let uuid = "018f4e9a-7c1b-7abc-8def-0123456789ab";
    let id = Subject::Id(uuid.parse().unwrap());
    let reference = Subject::Reference(REFERENCE.parse().unwrap());
    let own = |text: &str| Subject::ProviderId(text.parse().unwrap());
    for (text, expected) in [
        (uuid, id.clone()),
        ("018F4E9A-7C1B-7ABC-8DEF-0123456789AB", id.clone()),
        ("018f4e9a7c1b7abc8def0123456789ab", id),
        (REFERENCE, reference),
        ("0123456789ABCDE", own("0123456789ABCDE")),
        ("a:b", own("a:b")),
    ] {
        let read = read(body(&format!("{text:?}")).as_bytes()).unwrap();
        assert_eq!(read.report.subject, expected, "{text}");
        assert_eq!(read.name.unwrap().as_str(), text);
        let named = matches!(expected, Subject::ProviderId(_));
        assert_eq!(read.report.provider_id.is_some(), named, "{text}");
    }
}

#[test]
fn a_number_keeps_the_digits_it_was_written_with() {
    for number in ["0", "123456", "18446744073709551617", "-5", "1.50"] {
        let body =
            format!(r#"{{"msg_id":"x","receipted_message_id":{number},"status":"delivered"}}"#);
        assert_eq!(report(&body).receipt_id.as_deref(), Some(number));
    }
    let numeric = Subject::ProviderId("42".parse().unwrap());
    assert_eq!(report(&body("42")).subject, numeric);
}

#[test]
fn what_is_not_asked_for_is_passed_over() {
    let body = r#" {"extra":{"deep":[1,{"x":null}]},"msg_id":"x","receipted_message_id":"1",
        "status":"delivered","short_message":null} "#;
    assert_eq!(report(body).text, None);
    let marked = format!("\u{feff}{body}");
    assert_eq!(report(&marked).status, ReportStatus::Delivered);
}

#[test]
fn a_bad_character_does_not_lose_a_report() {
    let body = b"{\"msg_id\":\"x\",\"receipted_message_id\":\"1\",\"status\":\"delivered\",\"short_message\":\"text:\xcf\xf0\"}";
    let text = read(body).unwrap().report.text.unwrap();
    assert!(text.starts_with("text:"), "{text}");
}

#[test]
fn long_words_are_cut_and_long_ids_refused() {
    let long = "\u{44f}".repeat(2 * LONGEST_TEXT);
    let body = format!(
        r#"{{"msg_id":"x","receipted_message_id":1,"status":"delivered","short_message":"{long}"}}"#
    );
    assert_eq!(report(&body).text.unwrap().chars().count(), LONGEST_TEXT);
    let long = "9".repeat(LONGEST_RECEIPT_ID + 1);
    let body = format!(r#"{{"msg_id":"x","receipted_message_id":{long},"status":"delivered"}}"#);
    assert!(problem(body.as_bytes()).contains("receipted_message_id"));
}

#[test]
fn a_malformed_body_is_refused_by_the_name_of_what_is_wrong() {
    for (body, wrong) in [
        ("", "body"),
        ("null", "body"),
        ("[]", "body"),
        (r#"["x",1,"delivered",""]"#, "body"),
        ("msg_id=x&status=delivered", "body"),
        ("{", "not JSON"),
        (r#"{"msg_id":"x"} {}"#, "not JSON"),
        ("{}", "msg_id"),
        (
            r#"{"msg_id":"","receipted_message_id":"1","status":"delivered"}"#,
            "msg_id",
        ),
        (
            r#"{"msg_id":null,"receipted_message_id":"1","status":"delivered"}"#,
            "msg_id",
        ),
        (
            r#"{"msg_id":["x"],"receipted_message_id":"1","status":"delivered"}"#,
            "msg_id",
        ),
        (
            r#"{"msg_id":"a\nb","receipted_message_id":"1","status":"delivered"}"#,
            "msg_id",
        ),
        (
            r#"{"msg_id":"x","msg_id":"y","receipted_message_id":"1","status":"delivered"}"#,
            "twice",
        ),
        (
            r#"{"msg_id":"x","status":"delivered"}"#,
            "receipted_message_id",
        ),
        (
            r#"{"msg_id":"x","receipted_message_id":true,"status":"delivered"}"#,
            "receipted_message_id",
        ),
        (r#"{"msg_id":"x","receipted_message_id":"1"}"#, "status"),
        (
            r#"{"msg_id":"x","receipted_message_id":"1","status":"DELIVERED"}"#,
            "status",
        ),
        (
            r#"{"msg_id":"x","receipted_message_id":"1","status":"read"}"#,
            "status",
        ),
    ] {
        let problem = problem(body.as_bytes());
        assert!(problem.contains(wrong), "{body}: {problem}");
    }
}

#[test]
fn a_refusal_does_not_repeat_what_it_refuses() {
    for body in [
        r#""+79991234567""#,
        r#"{"msg_id":"+79991234567\u0000","receipted_message_id":"1","status":"delivered"}"#,
        r#"{"msg_id":"x","receipted_message_id":"1","status":"+79991234567"}"#,
        r#"{"+79991234567"}"#,
    ] {
        let problem = problem(body.as_bytes());
        assert!(!problem.contains("7999"), "{problem}");
    }
}

#[test]
fn nesting_without_end_is_survived() {
    let deep = "[".repeat(100_000);
    for body in [
        deep.clone(),
        format!(r#"{{"msg_id":{deep}"#),
        format!(r#"{{"extra":{deep}"#),
        format!(r#"{{"msg_id":{deep}{}}}"#, "]".repeat(100_000)),
    ] {
        assert!(read(body.as_bytes()).is_err());
    }
}
