//! Providers that configuration alone describes.

use std::time::Duration;

use serde_json::{Value, json};
use sms_core::{
    CallbackSupport, DecodeError, Encoding, Outcome, ReportRequest, ReportStatus, Subject,
    Submission,
};
use sms_provider_http::Built;

use crate::support::{answering, body, build, http, submission, with_callback};

fn built(settings: &str) -> Built {
    build("http", settings).unwrap()
}

fn accepted(id: &str) -> Outcome {
    Outcome::Accepted {
        provider_id: Some(id.parse().unwrap()),
    }
}

#[tokio::test]
async fn a_json_provider_is_described_by_configuration_alone() {
    let answer = r#"{"messages":[{"status":"queued","id":"m-17","note":"fine"}]}"#;
    let (addr, requests) = answering(http("202 Accepted", "", answer)).await;
    let built = built(&format!(
        r#"
        url = "http://{addr}/v2/{{to_digits}}/messages?v=1"
        from = "Brand"
        timeout = "2s"
        auth.basic = {{ login = "login", password = "password" }}
        headers.X-Request-Id = "{{reference}}"
        query.tag = "a b&c"
        encodings.ucs2 = "unicode"
        [body.json]
        messages = [{{ to = "{{to_digits:number}}", from = "{{from}}", text = "{{text}}" }}]
        type = "{{encoding}}"
        callback = "{{callback_url}}"
        [answer]
        verdict = "/messages/0/status"
        accepted = ["queued"]
        id = "/messages/0/id"
        description = "/messages/0/note"
        [report]
        reference = "/ref"
        status = "/status"
        delivered = ["ok"]
        "#
    ));
    let text = "Привет, \"мир\"\n{to} \u{1F600}";
    let message = Submission {
        encoding: Encoding::Ucs2,
        ..with_callback(text, "https://us/cb?x=1".to_owned())
    };
    let answer = built.provider.submit(&message).await;
    assert_eq!(answer.outcome, accepted("m-17"));
    assert_eq!(answer.code.as_deref(), Some("queued"));
    assert_eq!(answer.description.as_deref(), Some("fine"));
    assert_eq!(answer.node, Some(addr.ip()));
    let request = requests.lock().unwrap()[0].clone();
    let line = "POST /v2/79991234567/messages?v=1&tag=a%20b%26c HTTP/1.1\r\n";
    assert!(request.starts_with(line), "{request}");
    assert!(request.contains("authorization: Basic bG9naW46cGFzc3dvcmQ=\r\n"));
    assert!(request.contains("content-type: application/json\r\n"));
    assert!(request.contains(&format!("x-request-id: {}\r\n", message.reference)));
    let expected = json!({
        "messages": [{ "to": 79_991_234_567_u64, "from": "Brand", "text": text }],
        "type": "unicode", "callback": "https://us/cb?x=1",
    });
    let sent: Value = serde_json::from_str(body(&request)).unwrap();
    assert_eq!(sent, expected);
    let capabilities = built.provider.capabilities();
    assert_eq!(capabilities.callback, CallbackSupport::PerMessage);
    assert_eq!(capabilities.timeout, Duration::from_secs(2));
    assert!(!capabilities.deduplicates);
}

#[tokio::test]
async fn a_form_provider_is_described_by_configuration_alone() {
    let (addr, requests) = answering(http("200 OK", "", "Success \"07033084\"")).await;
    let built = built(&format!(
        r#"
        url = "http://{addr}/send"
        deduplicates = true
        [body.form]
        to = "{{to}}"
        content = "{{text}}"
        dlr-url = "{{callback_url}}"
        "client ref" = "{{reference}}"
        [answer]
        verdict = "text"
        accepted = ["Success*"]
        rejected = ["Error*"]
        id = 'text:Success "{{}}"'
        [report]
        format = "form"
        provider_id = "id"
        status = "message_status"
        delivered = ["DELIVRD"]
        reply.body = "ACK/Jasmin"
        "#
    ));
    let message = submission("a&b=c d+%é");
    let answer = built.provider.submit(&message).await;
    assert_eq!(answer.outcome, accepted("07033084"));
    let request = requests.lock().unwrap()[0].clone();
    assert!(request.contains("content-type: application/x-www-form-urlencoded\r\n"));
    let sent: Vec<(String, String)> = form(body(&request));
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let expected = [
        pair("client ref", message.reference.as_str()),
        pair("content", "a&b=c d+%é"),
        pair("to", "+79991234567"),
    ];
    assert_eq!(sent, expected);
    assert!(built.provider.capabilities().deduplicates);
    let decoded = built
        .decoder
        .decode(&posted("", b"id=07033084&message_status=DELIVRD"))
        .unwrap();
    assert_eq!(decoded.reply.body, "ACK/Jasmin");
    let subject = Subject::ProviderId("07033084".parse().unwrap());
    assert_eq!(decoded.reports[0].subject, subject);
    assert_eq!(decoded.reports[0].status, ReportStatus::Delivered);
}

fn form(text: &str) -> Vec<(String, String)> {
    let url = reqwest::Url::parse(&format!("http://x/?{text}")).unwrap();
    url.query_pairs().into_owned().collect()
}

#[tokio::test]
async fn a_query_provider_without_ids_is_described_by_configuration_alone() {
    let (addr, requests) = answering(http("202 Accepted", "", "0: Accepted for delivery")).await;
    let built = built(&format!(
        r#"
        url = "http://{addr}/cgi-bin/sendsms"
        method = "GET"
        from = "+79990000001"
        query = {{ to = "{{to}}", from = "{{from_digits}}", text = "{{text}}", coding = "{{encoding}}" }}
        encodings = {{ gsm7 = "0", ucs2 = "2" }}
        answer = {{ verdict = "text", accepted = ["0:*", "3:*"], otherwise = "rejected" }}
        "#
    ));
    let answer = built.provider.submit(&submission("Hi there")).await;
    assert_eq!(answer.outcome, Outcome::Accepted { provider_id: None });
    let line = "GET /cgi-bin/sendsms?coding=0&from=79990000001&text=Hi%20there&to=%2B79991234567 ";
    assert!(requests.lock().unwrap()[0].starts_with(line));
    let capabilities = built.provider.capabilities();
    assert_eq!(capabilities.callback, CallbackSupport::None);
    assert!(built.decoder.decode(&posted("", b"{}")).is_err());
}

async fn answered(answer_config: &str, response: String) -> Outcome {
    let (addr, _) = answering(response).await;
    let settings =
        format!("url = 'http://{addr}/{{to}}/{{text}}'\ntimeout = '1s'\n[answer]\n{answer_config}");
    built(&settings)
        .provider
        .submit(&submission("Hi"))
        .await
        .outcome
}

#[tokio::test]
async fn the_verdict_goes_before_the_status_and_each_has_its_class() {
    let config = r#"
        verdict = "/code"
        accepted = [0]
        duplicate = [1]
        rejected = [2]
        throttled = [3]
        unavailable = [4]
        unauthorized = [5]
        unknown = [6]
        id = "/id"
        retry_after = "/wait"
        http_status = { "402" = "throttled", "404" = "rejected", "4xx" = "unavailable" }
    "#;
    let wait = Some(Duration::from_secs(9));
    let id = || Some("x".parse().unwrap());
    for (status, body, expected) in [
        ("200 OK", r#"{"code":0,"id":"x"}"#, accepted("x")),
        ("500 Oops", r#"{"code":"0","id":"x"}"#, accepted("x")),
        (
            "200 OK",
            r#"{"code":1,"id":"x"}"#,
            Outcome::Duplicate { provider_id: id() },
        ),
        ("200 OK", r#"{"code":2}"#, Outcome::Rejected),
        (
            "200 OK",
            r#"{"code":3,"wait":9}"#,
            Outcome::Throttled { retry_after: wait },
        ),
        (
            "200 OK",
            r#"{"code":4,"wait":"9"}"#,
            Outcome::Unavailable { retry_after: wait },
        ),
        ("200 OK", r#"{"code":5}"#, Outcome::Unauthorized),
        ("200 OK", r#"{"code":6}"#, Outcome::Unknown),
        ("200 OK", r#"{"code":7}"#, Outcome::Unknown),
        ("200 OK", "<html>", Outcome::Unknown),
        ("402 Pay", "{}", Outcome::Throttled { retry_after: None }),
        ("404 Not Found", "{}", Outcome::Rejected),
        (
            "400 Bad",
            r#"{"code":7}"#,
            Outcome::Unavailable { retry_after: None },
        ),
        ("500 Oops", r#"{"code":7}"#, Outcome::Unknown),
    ] {
        let outcome = answered(config, http(status, "", body)).await;
        assert_eq!(outcome, expected, "{status} {body}");
    }
}

#[tokio::test]
async fn without_verdict_any_2xx_is_an_acceptance_even_if_its_body_breaks_off() {
    let config = "id = 'header:X-Id'";
    let whole = http("201 Created", "x-id: a-1\r\n", "whatever");
    assert_eq!(answered(config, whole).await, accepted("a-1"));
    let cut = "HTTP/1.1 200 OK\r\nx-id: a-2\r\ncontent-length: 99\r\n\r\nwhat".to_owned();
    assert_eq!(answered(config, cut).await, accepted("a-2"));
}

#[tokio::test]
async fn a_verdict_in_a_body_that_breaks_off_is_unknown() {
    let config = "verdict = '/code'\naccepted = [0]\notherwise = 'rejected'";
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"code\":0}".to_owned();
    assert_eq!(answered(config, cut).await, Outcome::Unknown);
}

#[tokio::test]
async fn a_text_that_is_too_long_is_refused_without_asking() {
    let (addr, requests) = answering(http("200 OK", "", "")).await;
    let built = built(&format!(
        "url = 'http://{addr}/{{to}}/{{text}}'\nmax_text = 5"
    ));
    let answer = built.provider.submit(&submission("123456")).await;
    assert_eq!(answer.outcome, Outcome::Rejected);
    assert!(answer.description.unwrap().contains("6 characters"));
    assert!(requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_text_of_dots_does_not_lead_to_another_path() {
    let (addr, requests) = answering(http("200 OK", "", "")).await;
    let built = built(&format!("url = 'http://{addr}/{{to}}/{{text}}/send'"));
    for text in ["..", "."] {
        let answer = built.provider.submit(&submission(text)).await;
        assert_eq!(answer.outcome, Outcome::Rejected, "{text}");
    }
    assert!(requests.lock().unwrap().is_empty());
}

const REPORT: &str = r#"
    url = "https://api.example/{to}/{text}"
    [report]
    list = "/results"
    id = "/ours"
    reference = "/ref"
    provider_id = "/id"
    status = "/status"
    delivered = ["delivered"]
    undelivered = ["failed*"]
    expired = ["expired"]
    rejected = ["rejected"]
    unknown = ["unknown"]
    receipt = "/receipt"
    code = "/error"
    secret = { header = "X-Token", value = "hunter2" }
"#;

fn posted<'a>(query: &'a str, body: &'a [u8]) -> ReportRequest<'a> {
    ReportRequest {
        method: "POST",
        url: "https://us/callback",
        query,
        headers: &[("x-token", "hunter2")],
        body,
    }
}

#[test]
fn a_list_of_reports_is_read_item_by_item() {
    let message = submission("Hi");
    let body = json!({ "results": [
        { "ref": message.reference.as_str(), "id": "p1", "status": "DELIVERED", "error": 0 },
        { "ours": message.id.to_string(), "status": "failed_by_carrier" },
        { "id": "p3", "status": "on its way" },
        { "id": "p4", "receipt": "id:9 stat:EXPIRED err:034" },
        { "status": "delivered" },
    ]});
    let decoder = built(REPORT).decoder;
    let reports = decoder
        .decode(&posted("", body.to_string().as_bytes()))
        .unwrap()
        .reports;
    let read: Vec<_> = reports
        .iter()
        .map(|report| {
            (
                report.subject.clone(),
                report.status,
                report.code.as_deref(),
            )
        })
        .collect();
    let by_provider = |id: &str| Subject::ProviderId(id.parse().unwrap());
    let expected = [
        (
            Subject::Reference(message.reference),
            ReportStatus::Delivered,
            Some("0"),
        ),
        (Subject::Id(message.id), ReportStatus::Undelivered, None),
        (by_provider("p3"), ReportStatus::Buffered, None),
        (by_provider("p4"), ReportStatus::Expired, Some("034")),
    ];
    assert_eq!(read, expected);
    assert_eq!(reports[0].provider_id, Some("p1".parse().unwrap()));
    assert_eq!(reports[3].receipt_id.as_deref(), Some("9"));
}

#[test]
fn what_is_no_report_is_refused() {
    let decoder = built(REPORT).decoder;
    for body in [
        "",
        "17",
        r#"{"results":{}}"#,
        r#"{"results":[{}]}"#,
        r#"{"results":[{"id":"p1"}]}"#,
        r#"{"results":[{"status":"delivered"}]}"#,
    ] {
        let error = decoder.decode(&posted("", body.as_bytes())).unwrap_err();
        assert!(matches!(error, DecodeError::Malformed { .. }), "{body}");
    }
}

#[test]
fn a_report_without_the_secret_header_is_refused() {
    let decoder = built(REPORT).decoder;
    let body = br#"{"results":[]}"#;
    assert!(decoder.decode(&posted("", body)).is_ok());
    for headers in [&[][..], &[("x-token", "guess")], &[("x-token", "")]] {
        let request = ReportRequest {
            headers,
            ..posted("", body)
        };
        assert_eq!(decoder.decode(&request), Err(DecodeError::BadSignature));
    }
}

#[test]
fn a_report_may_come_in_the_query() {
    let decoder = built(
        "url = 'https://h/{to}/{text}'\n[report]\nformat = 'query'\nid = 'message'\n\
         receipt = 'answer'",
    )
    .decoder;
    let id = submission("Hi").id;
    let query = format!("message={id}&answer=id%3A7+stat%3ADELIVRD+err%3A000");
    let reports = decoder.decode(&posted(&query, b"")).unwrap().reports;
    assert_eq!(reports[0].subject, Subject::Id(id));
    assert_eq!(reports[0].status, ReportStatus::Delivered);
}
