//! What the platform's answers to a submission mean.

use std::collections::HashSet;

use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::super::*;
use super::fixture;
use crate::client::Body;
use crate::template::tests::submission;

fn answered(status: u16, body: impl Into<bytes::Bytes>) -> Answer {
    let answer = HttpAnswer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        node: None,
        body: Body::Whole(body.into()),
    };
    read(&answer, &submission("Hello there"))
}

fn coded(code: impl Into<Value>) -> Answer {
    let body = json!({ "result": { "status": { "code": code.into() }, "msg_id": "id" } });
    answered(200, body.to_string())
}

fn accepted() -> Outcome {
    Outcome::Accepted {
        provider_id: Some("id".parse().unwrap()),
    }
}

#[test]
fn every_code_has_the_outcome_of_its_class() {
    let retry_after = None;
    let unavailable = [4, 5, 8, 13, 100, 257];
    let throttled = [20, 88];
    let unauthorized = [14, 15];
    let unknown = [17, 19, 69, 103, 255];
    let rejected = [
        1, 2, 3, 6, 7, 10, 11, 12, 21, 51, 52, 64, 66, 67, 68, 72, 73, 80, 81, 83, 84, 85, 97, 98,
        99, 101, 102, 192, 193, 194, 195, 196, 254, 1281, 1282, 1284, 1288, 20101,
    ];
    let mut table = vec![(0, accepted())];
    let provider_id = Some("id".parse().unwrap());
    table.push((20102, Outcome::Duplicate { provider_id }));
    table.extend(unavailable.map(|code| (code, Outcome::Unavailable { retry_after })));
    table.extend(throttled.map(|code| (code, Outcome::Throttled { retry_after })));
    table.extend(unauthorized.map(|code| (code, Outcome::Unauthorized)));
    table.extend(unknown.map(|code| (code, Outcome::Unknown)));
    table.extend(rejected.map(|code| (code, Outcome::Rejected)));
    for (code, outcome) in &table {
        let answer = coded(*code);
        assert_eq!(answer.outcome, *outcome, "{code}");
        assert_eq!(answer.code, Some(code.to_string()));
        assert!(answer.description.is_some(), "{code} has no meaning");
    }
    let tested: HashSet<i64> = table.iter().map(|(code, _)| *code).collect();
    let known: HashSet<i64> = codes::CODES.iter().map(|(code, ..)| *code).collect();
    assert_eq!(tested, known);
}

#[test]
fn the_table_of_codes_is_sorted_because_it_is_searched() {
    assert!(codes::CODES.is_sorted_by(|one, next| one.0 < next.0));
}

#[test]
fn a_code_that_is_not_known_leaves_the_outcome_unknown() {
    for code in [-1, 9, 1283, 20100, 20103, i64::MAX] {
        let answer = coded(code);
        assert_eq!(answer.outcome, Outcome::Unknown, "{code}");
        assert_eq!(answer.code, Some(code.to_string()));
    }
}

#[test]
fn the_verdict_is_in_the_body_whatever_the_status() {
    let ok = r#"{"result":{"status":{"code":0},"msg_id":"id"}}"#;
    for status in [200, 201, 400, 401, 429, 500, 503] {
        assert_eq!(answered(status, ok).outcome, accepted(), "{status}");
    }
}

#[test]
fn a_body_without_verdict_leaves_the_decision_to_the_status() {
    for body in [
        "",
        "ok",
        "null",
        "[]",
        "{}",
        r#"{"result":{}}"#,
        r#"{"result":{"status":{}}}"#,
        r#"{"result":{"status":{"code":null}}}"#,
        r#"{"result":{"status":{"code":"zero"}}}"#,
        r#"{"result":{"status":{"code":0.5}}}"#,
    ] {
        assert_eq!(answered(200, body).outcome, Outcome::Unknown, "{body}");
        assert_eq!(answered(401, body).outcome, Outcome::Unauthorized);
        assert_eq!(answered(403, body).outcome, Outcome::Unauthorized);
        assert_eq!(answered(500, body).outcome, Outcome::Unknown);
        for status in [400, 404, 413, 422] {
            let unavailable = Outcome::Unavailable { retry_after: None };
            assert_eq!(answered(status, body).outcome, unavailable, "{status}");
        }
    }
}

#[test]
fn a_code_may_be_text_and_the_id_a_number() {
    let body = json!({ "result": { "status": { "code": "0" }, "msg_id": 17 } });
    let provider_id = Some("17".parse().unwrap());
    assert_eq!(
        answered(200, body.to_string()).outcome,
        Outcome::Accepted { provider_id }
    );
}

#[test]
fn what_the_platform_says_is_kept_short_and_without_number_or_text() {
    let words = format!(
        "bad number 79991234567 for Hello there\n{}",
        "x".repeat(900)
    );
    let status = json!({ "code": 11, "description": words, "payload": {"a": 1} });
    let body = json!({ "result": { "status": status } }).to_string();
    let description = answered(200, body).description.unwrap();
    assert!(description.starts_with("bad number ••• for ••• xxx"));
    assert_eq!(description.chars().count(), 200);
}

#[test]
fn the_answers_on_record_are_read() {
    for (name, outcome) in [
        ("send_response_ok.json", accepted()),
        ("send_response_error_generic.json", Outcome::Rejected),
        (
            "send_response_duplicate_SYNTHETIC.json",
            Outcome::Duplicate {
                provider_id: Some("0123456789ABCDEF".parse().unwrap()),
            },
        ),
        (
            "send_response_throttled_SYNTHETIC.json",
            Outcome::Throttled { retry_after: None },
        ),
    ] {
        let body = fixture(name)["body"].to_string();
        assert_eq!(answered(200, body).outcome, outcome, "{name}");
    }
}
