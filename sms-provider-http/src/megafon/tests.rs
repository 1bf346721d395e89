use std::collections::HashSet;
use std::fs;

use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use sms_core::{ReportDecoder, ReportRequest, ReportStatus, Subject};

use super::*;
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

fn config(changes: &[(&str, Value)]) -> Value {
    let mut config = json!({ "from": "Compashka", "login": "login", "password": "password" });
    for (key, value) in changes {
        config[key] = value.clone();
    }
    config
}

fn request(from: &str) -> request::Request {
    let config = Settings::new(&config(&[("from", json!(from))])).unwrap();
    request::Request::new(&config.read().unwrap()).unwrap()
}

fn fixture(name: &str) -> Value {
    let path = format!(
        "{}/tests/fixtures/megafon/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_request_has_the_known_form() {
    let mut message = submission("Hi!");
    message.from = None;
    message.to = "+79001234567".parse().unwrap();
    message.reference = "0123456789ABCDEF".parse().unwrap();
    let url = "https://example.com/callback".to_owned();
    message.callback_url = Some(sms_core::CallbackUrl::new(url));
    let built = request("Compashka").build(&message).unwrap();
    let expected = fixture("send_request.json");
    assert_eq!(built.method().as_str(), expected["method"]);
    assert_eq!(built.url().as_str(), expected["url"]);
    assert_eq!(built.headers()["content-type"], "application/json");
    assert_eq!(
        built.headers()["authorization"],
        "Basic bG9naW46cGFzc3dvcmQ="
    );
    let body = built.body().and_then(reqwest::Body::as_bytes).unwrap();
    let body: Value = serde_json::from_slice(body).unwrap();
    assert_eq!(body, expected["body"]);
}

#[test]
fn every_attempt_sends_the_same_bytes() {
    let request = request("Brand");
    let mut message = submission("Привет \"мир\"\n");
    let first = request.body(&message).unwrap();
    message.attempt = 7;
    assert_eq!(request.body(&message).unwrap(), first);
}

#[test]
fn a_message_without_callback_asks_for_no_report() {
    let mut message = submission("Hi!");
    message.callback_url = None;
    let body = request("Brand").body(&message).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body.get("callback_url"), None);
}

#[test]
fn a_phone_number_as_sender_goes_without_its_plus() {
    let mut message = submission("Hi!");
    message.from = Some("+79990000001".parse().unwrap());
    let body = request("Brand").body(&message).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["from"], "79990000001");
    assert_eq!(body["to"], json!(79_991_234_567_u64));
}

#[test]
fn what_the_platform_does_not_take_is_refused_before_it_is_asked() {
    let request = request("Brand");
    assert!(request.body(&submission(&"я".repeat(1_000))).is_ok());
    let problem = request.body(&submission(&"я".repeat(1_001))).unwrap_err();
    assert!(problem.to_string().contains("1001 characters"), "{problem}");
    let mut message = submission("Hi!");
    message.from = Some("+4915112345678".parse().unwrap());
    let problem = request.body(&message).unwrap_err();
    assert!(problem.to_string().contains("13 characters"), "{problem}");
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

fn decode(body: &str) -> Result<Vec<sms_core::IncomingReport>, sms_core::DecodeError> {
    let request = ReportRequest {
        method: "POST",
        url: "",
        query: "",
        headers: &[],
        body: body.as_bytes(),
    };
    report::Decoder
        .decode(&request)
        .map(|decoded| decoded.reports)
}

#[test]
fn the_reports_on_record_are_read() {
    for (name, status, receipt_id, code) in [
        (
            "dlr_delivered_ancestor",
            ReportStatus::Delivered,
            "917615ac",
            "000",
        ),
        (
            "dlr_delivered_numeric_receipted_id_QUIRK",
            ReportStatus::Delivered,
            "123456",
            "000",
        ),
        (
            "dlr_delivered_observed",
            ReportStatus::Delivered,
            "2680000bc8b215d",
            "000",
        ),
        (
            "dlr_failed_deleted_SYNTHETIC",
            ReportStatus::Undelivered,
            "2680000bc8b215d",
            "000",
        ),
        (
            "dlr_failed_expired_SYNTHETIC",
            ReportStatus::Expired,
            "2680000bc8b215d",
            "000",
        ),
        (
            "dlr_failed_rejectd_SYNTHETIC",
            ReportStatus::Rejected,
            "2680000bc8b215d",
            "069",
        ),
        (
            "dlr_failed_undeliv_SYNTHETIC",
            ReportStatus::Undelivered,
            "2680000bc8b215d",
            "011",
        ),
        (
            "dlr_failed_unknown_SYNTHETIC",
            ReportStatus::Unknown,
            "2680000bc8b215d",
            "000",
        ),
    ] {
        let body = fixture(&format!("{name}.json"))["body"].clone();
        let reports = decode(&body.to_string()).unwrap();
        let [report] = reports.as_slice() else {
            panic!("{name}: one report");
        };
        let reference = body["msg_id"].as_str().unwrap().parse().unwrap();
        assert_eq!(report.subject, Subject::Reference(reference), "{name}");
        assert_eq!(report.status, status, "{name}");
        assert_eq!(report.receipt_id.as_deref(), Some(receipt_id), "{name}");
        assert_eq!(report.code.as_deref(), Some(code), "{name}");
        assert_eq!(report.text.as_deref(), body["short_message"].as_str());
    }
}

#[test]
fn what_is_kept_of_a_report_is_bounded() {
    let long = "7".repeat(70_000);
    let body = serde_json::json!({
        "msg_id": "0123456789ABCDEF", "status": "delivered", "receipted_message_id": long,
        "short_message": format!("stat:DELIVRD err:{long}"),
    });
    let reports = decode(&body.to_string()).unwrap();
    assert_eq!(reports[0].receipt_id.as_deref().map(str::len), Some(255));
    assert_eq!(reports[0].code.as_deref().map(str::len), Some(64));
    assert_eq!(reports[0].text.as_deref().map(str::len), Some(500));
}

#[test]
fn a_message_from_a_phone_is_no_report_and_no_error() {
    let body = fixture("mo_SYNTHETIC.json")["body"].to_string();
    assert_eq!(decode(&body), Ok(Vec::new()));
}

#[test]
fn a_report_names_its_message_in_one_of_three_ways() {
    let subject = |msg_id: Value| {
        let body = json!({ "msg_id": msg_id, "status": "delivered" }).to_string();
        decode(&body).map(|reports| reports[0].subject.clone())
    };
    let message = submission("Hi");
    let by_reference = Subject::Reference(message.reference);
    assert_eq!(subject(json!(message.reference.as_str())), Ok(by_reference));
    assert_eq!(
        subject(json!(message.id.to_string())),
        Ok(Subject::Id(message.id))
    );
    let by_provider = Subject::ProviderId("17".parse().unwrap());
    assert_eq!(subject(json!(17)), Ok(by_provider));
}

#[test]
fn a_report_that_names_no_message_is_left_to_its_callback() {
    for msg_id in [json!(""), json!(null), json!(["x"]), json!("№ 5")] {
        let body = json!({ "msg_id": msg_id, "status": "delivered" }).to_string();
        let reports = decode(&body).unwrap();
        assert_eq!(reports[0].subject, Subject::Unnamed, "{msg_id}");
        assert_eq!(reports[0].status, ReportStatus::Delivered);
    }
}

#[test]
fn a_status_is_read_whatever_its_case_and_an_unknown_one_closes_nothing() {
    for (word, receipt, status) in [
        ("Delivered", "", ReportStatus::Delivered),
        (" DELIVERY_FAILED\n", "", ReportStatus::Undelivered),
        (
            "Delivery_Failed",
            "stat:EXPIRED err:000",
            ReportStatus::Expired,
        ),
        ("great", "", ReportStatus::Buffered),
        ("buffered", "id:7 err:000", ReportStatus::Buffered),
        ("great", "stat:DELIVRD err:000", ReportStatus::Delivered),
    ] {
        let body = json!({
            "msg_id": "0123456789ABCDEF", "status": word, "short_message": receipt,
        });
        let reports = decode(&body.to_string()).unwrap();
        assert_eq!(reports[0].status, status, "{word} {receipt}");
    }
}

#[test]
fn a_failure_without_readable_receipt_is_undelivered() {
    for receipt in [
        json!(null),
        json!(""),
        json!("Доставка невозможна"),
        json!("stat:ENROUTE"),
    ] {
        let body = json!({
            "msg_id": "0123456789ABCDEF", "status": "delivery_failed", "short_message": receipt,
        });
        let reports = decode(&body.to_string()).unwrap();
        assert_eq!(reports[0].status, ReportStatus::Undelivered, "{receipt}");
    }
}

#[test]
fn what_is_no_report_is_refused_with_the_reason() {
    for (body, part) in [
        ("", "JSON"),
        ("msg_id=1&status=delivered", "JSON"),
        ("17", "JSON"),
        ("{}", "status is missing"),
        (r#"{"msg_id":"0123456789ABCDEF"}"#, "status is missing"),
    ] {
        let problem = decode(body).unwrap_err().to_string();
        assert!(problem.contains(part), "{body}: {problem}");
    }
}

#[test]
fn a_wrong_configuration_is_refused_by_its_key() {
    let client = HttpClient::new(&crate::HttpSettings::default()).unwrap();
    let kind = MegafonKind::new(client);
    let refused = |key: &str, value: Value| {
        let settings = Settings::new(&config(&[(key, value)])).unwrap();
        kind.build("main".parse().unwrap(), settings).unwrap_err()
    };
    for (key, value, part) in [
        ("url", json!("a2p-api.megalabs.ru"), "https://host/path"),
        ("url", json!("ftp://host/"), "https://host/path"),
        ("url", json!("https://u:hunter2@host/"), "login"),
        ("from", json!("far too long a name"), "at most 11"),
        ("from", json!("+4915112345678"), "at most 11"),
        ("login", json!("a:b"), "colon"),
        ("login", json!(17), "expected a string"),
        ("password", json!(""), "empty"),
        ("password", json!(1_234_567), "expected a string"),
        ("timeout", json!("3s"), "longer than 3s100ms"),
        ("timeout", json!(30), "30"),
        ("passwort", json!("x"), "no known key"),
    ] {
        let error = refused(key, value);
        assert_eq!(error.key(), key, "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert!(!error.to_string().contains("hunter2"));
        assert!(!error.to_string().contains("1234567"));
    }
}

#[test]
fn a_missing_key_is_named() {
    let client = HttpClient::new(&crate::HttpSettings::default()).unwrap();
    let settings = Settings::new(&json!({ "from": "Brand", "login": "l" })).unwrap();
    let error = MegafonKind::new(client)
        .build("main".parse().unwrap(), settings)
        .unwrap_err();
    assert_eq!(error.to_string(), "password: is missing; add it");
}
