//! Providers that configuration alone describes.

use std::time::Duration;

use serde_json::{Value, json};
use sms_core::{
    CallbackSupport, Clock as _, DecodeError, Decoded, Encoding, Outcome, Proof, ReportRequest,
    ReportStatus, Subject, Submission, SystemClock,
};
use sms_provider_http::Built;

use crate::support::{answering, body, build, form, http, submission, with_callback};

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
async fn the_exact_verdict_and_then_the_longest_beginning_count_in_whatever_list() {
    let config = r#"
        verdict = "text"
        accepted = ["Success*"]
        rejected = ["Error*"]
        throttled = ["Error \"User throughput*"]
        unavailable = ["error"]
    "#;
    for (body, expected) in [
        ("Error \"No such number\"", Outcome::Rejected),
        (
            "Error \"User throughput exceeded\"",
            Outcome::Throttled { retry_after: None },
        ),
        ("Error", Outcome::Unavailable { retry_after: None }),
    ] {
        let outcome = answered(config, http("200 OK", "", body)).await;
        assert_eq!(outcome, expected, "{body}");
    }
}

#[tokio::test]
async fn of_several_places_the_first_that_holds_a_verdict_counts() {
    let config = r#"
        verdict = ["/sms/{to_digits}/code", "/code"]
        accepted = [100]
        rejected = [202]
        unauthorized = [200]
        id = "/sms/{to_digits}/id"
    "#;
    for (body, expected) in [
        (
            r#"{"code":100,"sms":{"79991234567":{"code":100,"id":"1-2"}}}"#,
            accepted("1-2"),
        ),
        (
            r#"{"code":100,"sms":{"79991234567":{"code":202}}}"#,
            Outcome::Rejected,
        ),
        (
            r#"{"code":200,"sms":{"70000000000":{"code":100}}}"#,
            Outcome::Unauthorized,
        ),
        (
            r#"{"code":202,"sms":{"79991234567":{"code":null}}}"#,
            Outcome::Rejected,
        ),
        // The first that is there counts, known or not.
        (
            r#"{"code":100,"sms":{"79991234567":{"code":999}}}"#,
            Outcome::Unknown,
        ),
    ] {
        let outcome = answered(config, http("200 OK", "", body)).await;
        assert_eq!(outcome, expected, "{body}");
    }
}

#[tokio::test]
async fn parts_of_a_message_that_fare_differently_leave_the_outcome_unknown() {
    let config = "verdict = '/parts/*/status'\naccepted = [0]\nthrottled = [1]\nid = '/parts/*/id'";
    for (parts, expected) in [
        (
            r#"[{"status":0,"id":"a"},{"status":0,"id":"b"}]"#,
            accepted("a"),
        ),
        (r#"[{"status":0,"id":"a"},{"status":1}]"#, Outcome::Unknown),
        (r#"[{"status":0,"id":"a"},{"status":99}]"#, Outcome::Unknown),
        (
            r#"[{"status":1},{"status":1}]"#,
            Outcome::Throttled { retry_after: None },
        ),
        ("[]", Outcome::Unknown),
        ("{}", Outcome::Unknown),
    ] {
        let body = format!("{{\"parts\":{parts}}}");
        let outcome = answered(config, http("200 OK", "", &body)).await;
        assert_eq!(outcome, expected, "{parts}");
    }
}

#[tokio::test]
async fn a_value_that_only_an_acceptance_has_tells_it_where_no_verdict_is() {
    let config = r#"
        verdict = "/error_code"
        accepted_if = "/id"
        id = "/id"
        rejected = [7]
        http_status = { "207" = "unknown" }
    "#;
    for (status, body, expected) in [
        ("200 OK", r#"{"id":17}"#, accepted("17")),
        ("207 Some", r#"{"id":17,"error_code":null}"#, accepted("17")),
        ("200 OK", r#"{"id":17,"error_code":7}"#, Outcome::Rejected),
        ("200 OK", r#"{"id":17,"error_code":99}"#, Outcome::Unknown),
        ("200 OK", r#"{"id":""}"#, Outcome::Unknown),
        ("200 OK", "<html>", Outcome::Unknown),
        ("500 Oops", r#"{"id":17}"#, Outcome::Unknown),
        ("400 Bad", r#"{"error_code":99}"#, Outcome::Rejected),
    ] {
        let outcome = answered(config, http(status, "", body)).await;
        assert_eq!(outcome, expected, "{status} {body}");
    }
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"id\":17}".to_owned();
    assert_eq!(answered(config, cut).await, Outcome::Unknown);
    let alone = "accepted_if = '/id'";
    let page = http("200 OK", "", "<html>");
    assert_eq!(answered(alone, page).await, Outcome::Unknown);
}

#[tokio::test]
async fn a_refusal_without_the_providers_verdict_is_a_proxys_and_ends_no_message() {
    let config = "verdict = '/code'\naccepted = [0]";
    let unavailable = Outcome::Unavailable { retry_after: None };
    for (status, body, expected) in [
        ("400 Bad Request", "<html>", unavailable.clone()),
        ("413 Too Large", "", unavailable.clone()),
        ("422 Unprocessable", r#"{"code":null}"#, unavailable),
        ("400 Bad Request", r#"{"code":7}"#, Outcome::Rejected),
        ("403 Forbidden", "<html>", Outcome::Unauthorized),
        ("502 Bad Gateway", "<html>", Outcome::Unknown),
    ] {
        let outcome = answered(config, http(status, "", body)).await;
        assert_eq!(outcome, expected, "{status} {body}");
    }
    let told = format!("{config}\nhttp_status = {{ '400' = 'rejected' }}");
    let answer = http("400 Bad Request", "", "<html>");
    assert_eq!(answered(&told, answer).await, Outcome::Rejected);
}

#[tokio::test]
async fn a_2xx_without_the_id_that_its_body_should_hold_is_unknown() {
    for (id, body, expected) in [
        ("/id", r#"{"id":"x"}"#, accepted("x")),
        ("/id", "<html>", Outcome::Unknown),
        ("text:id={};", "<html>", Outcome::Unknown),
        (
            "header:X-Id",
            "<html>",
            Outcome::Accepted { provider_id: None },
        ),
    ] {
        let config = format!("id = '{id}'");
        let outcome = answered(&config, http("200 OK", "", body)).await;
        assert_eq!(outcome, expected, "{id} {body}");
    }
}

#[tokio::test]
async fn the_wait_may_be_told_in_another_unit() {
    let body = r#"{"error":"please wait [ 250 ] and retry","wait":9}"#;
    let soon = SystemClock.now().as_millis() / 1_000 + 600;
    let headers = format!("x-reset: {soon}\r\nretry-after-ms: 1500\r\nretry-after: 7\r\n");
    let millis = Duration::from_millis;
    for (place, expected) in [
        ("'/wait'", millis(9_000)),
        ("{ at = '/wait' }", millis(9_000)),
        ("{ at = 'text:wait [ {} ]', unit = 'ms' }", millis(250)),
        (
            "{ at = 'header:Retry-After-Ms', unit = 'ms' }",
            millis(1_500),
        ),
        ("{ at = '/nowhere', unit = 'ms' }", millis(7_000)),
    ] {
        let config = format!("retry_after = {place}");
        let outcome = answered(&config, http("429 Slow", &headers, body)).await;
        assert_eq!(outcome.retry_after(), Some(expected), "{place}");
    }
    let config = "retry_after = { at = 'header:X-Reset', unit = 'unix' }";
    let wait = answered(config, http("429 Slow", &headers, body)).await;
    let wait = wait.retry_after().unwrap();
    // The rest is for a busy machine.
    assert!(
        wait <= millis(600_000) && wait > millis(500_000),
        "{wait:?}"
    );
}

#[tokio::test]
async fn what_is_kept_of_an_answer_repeats_neither_recipient_nor_text() {
    let config = "verdict = '/v'\naccepted = [0]\notherwise = 'rejected'\ndescription = '/d'";
    let words = r#"{"v":"bad +79991234567: Hello you","d":"79991234567: Hello you"}"#;
    let (addr, _) = answering(http("200 OK", "", words)).await;
    let settings = format!("url = 'http://{addr}/{{to}}/{{text}}'\n[answer]\n{config}");
    let provider = built(&settings).provider;
    let answer = provider.submit(&submission("Hello you")).await;
    assert_eq!(answer.code.as_deref(), Some("bad +•••: •••"));
    assert_eq!(answer.description.as_deref(), Some("•••: •••"));
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

async fn asked(settings: &str, message: &Submission) -> Vec<(String, String)> {
    let (addr, requests) = answering(http("200 OK", "", "")).await;
    let built = built(&format!("url = 'http://{addr}/'\n{settings}"));
    built.provider.submit(message).await;
    let request = requests.lock().unwrap()[0].clone();
    form(body(&request))
}

fn values(sent: &[(String, String)], name: &str) -> Vec<String> {
    let of_name = sent.iter().filter(|(key, _)| key == name);
    of_name.map(|(_, value)| value.clone()).collect()
}

#[tokio::test]
async fn the_remaining_validity_is_told_within_what_the_provider_takes() {
    let left = |left: Duration| Submission {
        expires_at: SystemClock.now() + left,
        ..submission("Hi")
    };
    let settings = "ttl_min = '20s'\nttl_max = '1h'\nbody.form = { a = '{to}', b = '{text}', \
                    s = '{ttl_seconds}', m = '{ttl_minutes}', ms = '{ttl_ms}' }";
    let sent = asked(settings, &left(Duration::from_secs(3))).await;
    assert_eq!(values(&sent, "s"), ["20"]);
    assert_eq!(values(&sent, "m"), ["1"]);
    let sent = asked(settings, &left(Duration::from_secs(7_200))).await;
    assert_eq!(values(&sent, "ms"), ["3600000"]);
    let sent = asked(settings, &left(Duration::from_secs(1_800))).await;
    let seconds: u64 = values(&sent, "s")[0].parse().unwrap();
    // The rest is for a busy machine.
    assert!((1_700..=1_800).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn a_list_in_a_form_repeats_its_field() {
    let settings = "body.form = { to = '{to}', b = '{text}', tag = ['one', '{reference}'] }";
    let message = submission("Hi");
    let sent = asked(settings, &message).await;
    assert_eq!(values(&sent, "tag"), ["one", message.reference.as_str()]);
}

#[tokio::test]
async fn a_sender_that_may_be_missing_is_left_out() {
    let settings = "from_optional = true\nbody.form = { to = '{to}', b = '{text}', f = '{from}' }";
    let sent = asked(settings, &submission("Hi")).await;
    assert_eq!(values(&sent, "f"), [""; 0]);
    let named = Submission {
        from: Some("Brand".parse().unwrap()),
        ..submission("Hi")
    };
    assert_eq!(values(&asked(settings, &named).await, "f"), ["Brand"]);
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
    for end in ["/send", "", "/"] {
        let built = built(&format!("url = 'http://{addr}/{{to}}/{{text}}{end}'"));
        for text in ["..", "."] {
            let answer = built.provider.submit(&submission(text)).await;
            assert_eq!(answer.outcome, Outcome::Rejected, "{text}{end}");
        }
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
        { "id": "p6" },
        17,
    ]});
    let decoder = built(REPORT).decoder;
    let decoded = decoder.decode(&posted("", body.to_string().as_bytes()));
    let Decoded {
        reports, skipped, ..
    } = decoded.unwrap();
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
        (Subject::Unnamed, ReportStatus::Delivered, None),
    ];
    assert_eq!(read, expected);
    assert_eq!(skipped, 2, "those without a status");
    assert_eq!(reports[0].provider_id, Some("p1".parse().unwrap()));
    assert_eq!(reports[3].receipt_id.as_deref(), Some("9"));
}

#[test]
fn the_exact_status_and_then_the_longest_beginning_count_in_whatever_list() {
    let decoder = built(
        "url = 'https://h/{to}/{text}'\n[report]\nformat = 'form'\nprovider_id = 'id'\n\
         status = 's'\ndelivered = ['ok']\nundelivered = ['failed*']\nexpired = ['failed_exp*']\n\
         rejected = ['ESME_*']\nbuffered = ['ESME_ROK']",
    )
    .decoder;
    for (word, expected) in [
        ("failed", ReportStatus::Undelivered),
        ("failed_expired", ReportStatus::Expired),
        ("ESME_RINVDSTADR", ReportStatus::Rejected),
        ("ESME_ROK", ReportStatus::Buffered),
    ] {
        let body = format!("id=7&s={word}");
        let decoded = decoder.decode(&posted("", body.as_bytes())).unwrap();
        assert_eq!(decoded.reports[0].status, expected, "{word}");
    }
}

#[test]
fn what_is_kept_of_a_report_is_bounded() {
    let decoder = built(
        "url = 'https://h/{to}/{text}'\n[report]\nprovider_id = '/id'\nreceipt = '/r'\n\
         receipt_id = '/rid'\ncode = '/code'",
    )
    .decoder;
    let long = "7".repeat(70_000);
    let own = json!({ "id": "1", "r": "stat:DELIVRD", "rid": long, "code": long });
    let receipt = json!({ "id": "1", "r": format!("id:{long} stat:DELIVRD err:{long}") });
    for body in [own, receipt] {
        let decoded = decoder.decode(&posted("", body.to_string().as_bytes()));
        let report = &decoded.unwrap().reports[0];
        assert_eq!(report.receipt_id.as_deref().map(str::len), Some(255));
        assert_eq!(report.code.as_deref().map(str::len), Some(64));
    }
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
fn what_proves_a_report_is_told_before_it_is_read() {
    let report = |more: &str| {
        let settings = format!(
            "url = 'https://h/{{to}}/{{text}}'\n[report]\nid = '/id'\nreceipt = '/r'\n{more}"
        );
        built(&settings).decoder
    };
    assert!(matches!(report("").proof(), Proof::Source));
    let headed = report("secret = { header = 'X-Token', value = 'hunter2' }");
    let Proof::Header { name, value } = headed.proof() else {
        panic!("{:?}", headed.proof());
    };
    assert_eq!((name, value.expose()), ("X-Token", "hunter2"));
    let tokened = report("callback_token = '0123456789abcdef'");
    let Proof::Token(token) = tokened.proof() else {
        panic!("{:?}", tokened.proof());
    };
    assert!(token.matches("0123456789abcdef"));
    assert!(!format!("{tokened:?}").contains("0123456789abcdef"));
}

#[test]
fn a_report_to_the_callback_of_its_message_need_not_name_it() {
    let decoder = built(
        "url = 'https://h/{to}/{text}'\nquery.dlr-url = '{callback_url}'\n\
         [report]\nformat = 'query'\nstatus = 'type'\ndelivered = [1]\nundelivered = [2]",
    )
    .decoder;
    let reports = decoder.decode(&posted("type=1", b"")).unwrap().reports;
    assert_eq!(reports[0].subject, Subject::Unnamed);
    assert_eq!(reports[0].status, ReportStatus::Delivered);
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
