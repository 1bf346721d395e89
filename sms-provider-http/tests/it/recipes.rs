//! The recipes of `docs/providers.md`, as they stand there, against what is on record of the
//! providers. Only the host in `url` is another one.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use sms_core::{
    Answer, Encoding, IncomingReport, Outcome, ReportRequest, ReportStatus, Subject, Submission,
};
use sms_provider_http::{Built, Kinds};

use crate::support::{answering, body, client, form, http, submission, with_callback};

const RECIPES: &str = include_str!("../../../docs/providers.md");
const CALLBACK: &str = "https://us/callback/p/0123456789ABCDEF/00";

fn recipes() -> Vec<toml::Table> {
    let blocks = RECIPES.split("```toml\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap())
        .map(|block| block.parse::<toml::Table>().expect("TOML"))
        .flat_map(|document| document["provider"].as_array().unwrap().clone())
        .map(|section| section.as_table().unwrap().clone())
        .collect()
}

fn recipe(name: &str) -> toml::Table {
    let of_name = |section: &toml::Table| section["name"].as_str() == Some(name);
    recipes().into_iter().find(of_name).expect("a recipe")
}

/// The provider of a recipe, at this address.
fn built(name: &str, addr: &str) -> Built {
    let mut section = recipe(name);
    let url = section["url"].as_str().unwrap();
    let path = url.splitn(4, '/').nth(3).unwrap();
    section["url"] = format!("http://{addr}/{path}").into();
    Kinds::new(&client())
        .build(name.parse().unwrap(), "http", &section)
        .unwrap()
}

/// What a recipe makes of an answer, and the request that it was an answer to.
async fn exchange(name: &str, message: &Submission, response: String) -> (Answer, String) {
    let (addr, requests) = answering(response).await;
    let answer = built(name, &addr.to_string())
        .provider
        .submit(message)
        .await;
    let request = requests.lock().unwrap()[0].clone();
    (answer, request)
}

async fn answered(name: &str, response: String) -> Answer {
    exchange(name, &message(), response).await.0
}

async fn outcomes(name: &str, table: impl IntoIterator<Item = (String, Outcome)>) {
    for (response, expected) in table {
        let answer = answered(name, response.clone()).await;
        assert_eq!(answer.outcome, expected, "{name}: {response}");
    }
}

fn message() -> Submission {
    with_callback("Hi there", CALLBACK.to_owned())
}

fn unicode() -> Submission {
    Submission {
        encoding: Encoding::Ucs2,
        ..with_callback("Привет", CALLBACK.to_owned())
    }
}

/// The answer on record under this name.
fn recorded(name: &str) -> String {
    let fixture = fixture(name);
    let status = fixture["http_status"].as_u64().unwrap_or(200);
    http(&format!("{status} X"), "", &fixture["body"].to_string())
}

fn fixture(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn accepted(id: &str) -> Outcome {
    let provider_id = Some(id.parse().unwrap());
    Outcome::Accepted { provider_id }
}

const THROTTLED: Outcome = Outcome::Throttled { retry_after: None };
const UNAVAILABLE: Outcome = Outcome::Unavailable { retry_after: None };

fn report(name: &str, query: &str, body: &str) -> IncomingReport {
    let request = ReportRequest {
        method: "POST",
        url: "",
        query,
        headers: &[],
        body: body.as_bytes(),
    };
    let decoded = built(name, "127.0.0.1:1").decoder.decode(&request).unwrap();
    decoded.reports[0].clone()
}

fn by_provider(id: &str) -> Subject {
    Subject::ProviderId(id.parse().unwrap())
}

fn json_of(request: &str) -> Value {
    serde_json::from_str(body(request)).unwrap()
}

fn field(request: &str, name: &str) -> Option<String> {
    let mut fields = form(body(request)).into_iter();
    fields.find(|(key, _)| key == name).map(|(_, value)| value)
}

#[test]
fn every_recipe_makes_a_provider() {
    let names: Vec<_> = recipes()
        .iter()
        .map(|section| section["name"].as_str().unwrap().to_owned())
        .collect();
    let expected = [
        "twilio",
        "vonage",
        "infobip",
        "plivo",
        "telnyx",
        "messagebird",
        "smsc",
        "kannel",
        "jasmin",
    ];
    assert_eq!(names, expected);
    for section in recipes() {
        let name = section["name"].as_str().unwrap().parse().unwrap();
        // As it stands there, host and all.
        Kinds::new(&client()).build(name, "http", &section).unwrap();
    }
}

#[tokio::test]
async fn twilio() {
    let overloaded = http("503 X", "", r#"{"code":20503,"message":"Unavailable"}"#);
    let no_region = http("400 X", "", r#"{"code":21408,"message":"Not enabled"}"#);
    outcomes(
        "twilio",
        [
            (
                recorded("twilio/create_response_201"),
                accepted("SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
            ),
            (recorded("twilio/error_21211"), Outcome::Rejected),
            (recorded("twilio/error_20429_SYNTHETIC"), THROTTLED),
            (
                recorded("twilio/error_20003_SYNTHETIC"),
                Outcome::Unauthorized,
            ),
            (overloaded, Outcome::Unknown),
            (no_region, UNAVAILABLE),
            (http("200 OK", "", "<html>"), Outcome::Unknown),
            (http("400 Bad Request", "", "<html>"), UNAVAILABLE),
        ],
    )
    .await;
    let (answer, request) = exchange("twilio", &message(), recorded("twilio/error_21211")).await;
    assert_eq!(answer.code.as_deref(), Some("21211"));
    let words = "Invalid 'To' Phone Number";
    assert_eq!(answer.description.as_deref(), Some(words));
    let line = "POST /2010-04-01/Accounts/AC00000000000000000000000000000000/Messages.json ";
    assert!(request.starts_with(line), "{request}");
    assert_eq!(field(&request, "To").as_deref(), Some("+79991234567"));
    assert_eq!(field(&request, "StatusCallback").as_deref(), Some(CALLBACK));
    // The validity of these messages ends in years.
    assert_eq!(field(&request, "ValidityPeriod").as_deref(), Some("36000"));
    let body = "ErrorCode=21610&MessageSid=SMe287d7109a5a925f182f0e07fe5b223b&MessageStatus=failed\
                &To=%2B12028831111";
    let failed = report("twilio", "", body);
    assert_eq!(
        failed.subject,
        by_provider("SMe287d7109a5a925f182f0e07fe5b223b")
    );
    assert_eq!(failed.status, ReportStatus::Rejected);
    assert_eq!(failed.code.as_deref(), Some("21610"));
    let body = "MessageSid=SMe287d7109a5a925f182f0e07fe5b223b&MessageStatus=delivered";
    assert_eq!(report("twilio", "", body).status, ReportStatus::Delivered);
    let body = body.replace("delivered", "sent");
    assert_eq!(report("twilio", "", &body).status, ReportStatus::Buffered);
}

#[tokio::test]
async fn vonage() {
    let wait = Some(Duration::from_millis(250));
    let no_credit = r#"{"message-count":"1","messages":[{"status":"9","error-text":"Quota"}]}"#;
    outcomes(
        "vonage",
        [
            (
                recorded("vonage/sms_send_sms"),
                accepted("3295d748-4e14-4681-af78-166dca3c5aab"),
            ),
            (
                recorded("vonage/sms_send_long_sms"),
                accepted("62dfdf68-6c7c-479a-a190-5c52f798a787"),
            ),
            (recorded("vonage/sms_send_sms_error"), Outcome::Rejected),
            (
                recorded("vonage/sms_throttled"),
                Outcome::Throttled { retry_after: wait },
            ),
            (
                recorded("vonage/sms_send_sms_partial_error"),
                Outcome::Unknown,
            ),
            (http("200 OK", "", no_credit), UNAVAILABLE),
            (http("429 Slow", "", "{}"), THROTTLED),
            (http("200 OK", "", "<html>"), Outcome::Unknown),
        ],
    )
    .await;
    let response = recorded("vonage/sms_send_sms_error");
    let (answer, request) = exchange("vonage", &unicode(), response).await;
    assert_eq!(answer.code.as_deref(), Some("7"));
    assert_eq!(answer.description.as_deref(), Some("Number barred."));
    for (name, value) in [
        ("to", "79991234567"),
        ("type", "unicode"),
        ("ttl", "604800000"),
        ("callback", CALLBACK),
    ] {
        assert_eq!(field(&request, name).as_deref(), Some(value), "{name}");
    }
    let mut body = fixture("vonage/sms_dlr")["body"].clone();
    let of_vonage = report("vonage", "", &body.to_string());
    assert_eq!(of_vonage.subject, by_provider("0A0000001234567B"));
    assert_eq!(of_vonage.status, ReportStatus::Delivered);
    assert_eq!(of_vonage.code.as_deref(), Some("0"));
    let reference = submission("Hi").reference;
    body["client-ref"] = reference.as_str().into();
    let ours = report("vonage", "", &body.to_string());
    assert_eq!(ours.subject, Subject::Reference(reference));
}

fn infobip_answer(id: u32, name: &str) -> String {
    let status = json!({ "groupId": 5, "id": id, "name": name, "description": "no" });
    let message = json!({ "messageId": "m-1", "destination": "41793026727", "status": status });
    http("200 OK", "", &json!({ "messages": [message] }).to_string())
}

#[tokio::test]
async fn infobip() {
    let duplicate = Outcome::Duplicate {
        provider_id: Some("m-1".parse().unwrap()),
    };
    outcomes(
        "infobip",
        [
            (
                recorded("infobip/send_response_200_0"),
                accepted("2250be2d4219-3af1-78856-aabe-1362af1edfd2"),
            ),
            (infobip_answer(13, "REJECTED_SENDER"), Outcome::Rejected),
            (
                infobip_answer(23, "REJECTED_DUPLICATE_MESSAGE_ID"),
                duplicate,
            ),
            (infobip_answer(20, "REJECTED_FLOODING_FILTER"), UNAVAILABLE),
            (
                infobip_answer(100, "UNDELIVERABLE_REJECTED_PLATFORM"),
                UNAVAILABLE,
            ),
            (infobip_answer(999, "BRAND_NEW"), Outcome::Unknown),
            (recorded("infobip/error_400"), Outcome::Rejected),
            (
                http("429 Slow", "retry-after: 3\r\n", r#"{"errorCode":"E429"}"#),
                Outcome::Throttled {
                    retry_after: Some(Duration::from_secs(3)),
                },
            ),
            (
                http("401 No", "", r#"{"errorCode":"E401"}"#),
                Outcome::Unauthorized,
            ),
        ],
    )
    .await;
    let message = message();
    let response = infobip_answer(13, "REJECTED_SENDER");
    let (answer, request) = exchange("infobip", &message, response).await;
    assert_eq!(answer.code.as_deref(), Some("13"));
    assert!(request.contains("authorization: App the-api-key\r\n"));
    let destination = json!({ "to": "79991234567", "messageId": message.reference.as_str() });
    let expected = json!({ "messages": [{
        "sender": "InfoSMS", "destinations": [destination], "content": { "text": "Hi there" },
        "webhooks": { "delivery": { "url": CALLBACK }, "contentType": "application/json" },
    }]});
    assert_eq!(json_of(&request), expected);
    let mut body = fixture("infobip/dlr_v3")["body"].clone();
    let delivered = report("infobip", "", &body.to_string());
    assert_eq!(delivered.subject, by_provider("MESSAGE-ID-123-xyz"));
    assert_eq!(delivered.status, ReportStatus::Delivered);
    for (name, status) in [
        ("DELIVERED_TO_OPERATOR", ReportStatus::Buffered),
        ("EXPIRED_DLR_UNKNOWN", ReportStatus::Unknown),
        ("EXPIRED_EXPIRED", ReportStatus::Expired),
        ("UNDELIVERABLE_NOT_DELIVERED", ReportStatus::Undelivered),
        ("PENDING_ENROUTE", ReportStatus::Buffered),
    ] {
        body["results"][0]["status"]["name"] = name.into();
        assert_eq!(report("infobip", "", &body.to_string()).status, status);
    }
}

#[tokio::test]
async fn plivo() {
    outcomes(
        "plivo",
        [
            (
                recorded("plivo/messageSendResponse").replace("200 X", "202 Accepted"),
                accepted("5b40a428-bfc7-4daf-9d06-726c558bf3b8"),
            ),
            (recorded("plivo/error"), Outcome::Rejected),
            (
                http("429 Slow", "", r#"{"api_id":"x","error":"slow down"}"#),
                THROTTLED,
            ),
            (http("401 No", "", "no"), Outcome::Unauthorized),
            (http("202 Accepted", "", "<html>"), Outcome::Unknown),
        ],
    )
    .await;
    let (answer, request) = exchange("plivo", &message(), recorded("plivo/error")).await;
    assert_eq!(answer.code.as_deref(), Some("400"));
    let words = "answer_url parameter is missing";
    assert_eq!(answer.description.as_deref(), Some(words));
    let expected = json!({
        "src": "15550001111", "dst": "79991234567", "text": "Hi there", "url": CALLBACK,
        "method": "POST", "message_expiry": 10_799,
    });
    assert_eq!(json_of(&request), expected);
    let body = "From=14155550100&To=14155550123&Type=sms\
                &MessageUUID=5b40a428-bfc7-4daf-9d06-726c558bf3b8&Status=undelivered&Units=1\
                &ErrorCode=80&PartInfo=1+of+1&Sequence=3";
    let failed = report("plivo", "", body);
    let id = by_provider("5b40a428-bfc7-4daf-9d06-726c558bf3b8");
    assert_eq!(failed.subject, id);
    assert_eq!(failed.status, ReportStatus::Undelivered);
    assert_eq!(failed.code.as_deref(), Some("80"));
}

#[tokio::test]
async fn telnyx() {
    let error = |code: &str| json!({ "errors": [{ "code": code, "title": "no" }] }).to_string();
    let wait = "retry-after-ms: 1500\r\n";
    outcomes(
        "telnyx",
        [
            (
                recorded("telnyx/send_response_200"),
                accepted("ac012cbf-5e09-46af-a69a-7c0e2d90993c"),
            ),
            (recorded("telnyx/error_SYNTHETIC"), Outcome::Rejected),
            (
                http("429 Slow", wait, &error("10011")),
                Outcome::Throttled {
                    retry_after: Some(Duration::from_millis(1_500)),
                },
            ),
            (http("403 No", "", &error("20100")), UNAVAILABLE),
            (http("401 No", "", &error("10009")), Outcome::Unauthorized),
            (http("500 Oops", "", &error("10007")), Outcome::Unknown),
            (http("200 OK", "", "{}"), Outcome::Unknown),
        ],
    )
    .await;
    let message = message();
    let response = recorded("telnyx/error_SYNTHETIC");
    let (answer, request) = exchange("telnyx", &message, response).await;
    assert_eq!(answer.code.as_deref(), Some("40310"));
    assert!(request.contains(&format!("idempotency-key: {}\r\n", message.reference)));
    assert!(request.contains("authorization: Bearer the API key\r\n"));
    let expected = json!({
        "from": "+15550001111", "to": "+79991234567", "text": "Hi there", "webhook_url": CALLBACK,
    });
    assert_eq!(json_of(&request), expected);
    let body = &fixture("telnyx/dlr_finalized")["body"];
    let delivered = report("telnyx", "", &body.to_string());
    let id = by_provider("ac012cbf-5e09-46af-a69a-7c0e2d90993c");
    assert_eq!(delivered.subject, id);
    assert_eq!(delivered.status, ReportStatus::Delivered);
    let body = &fixture("telnyx/dlr_failed_SYNTHETIC")["body"];
    let failed = report("telnyx", "", &body.to_string());
    assert_eq!(failed.status, ReportStatus::Undelivered);
    assert_eq!(failed.code.as_deref(), Some("40008"));
}

#[tokio::test]
async fn messagebird() {
    let error = |code: u32| {
        json!({ "errors": [{ "code": code, "description": "no", "parameter": null }] }).to_string()
    };
    outcomes(
        "messagebird",
        [
            (
                recorded("messagebird/message").replace("200 X", "201 Created"),
                accepted("message-id"),
            ),
            (http("422 Bad", "", &error(10)), Outcome::Rejected),
            (http("429 Slow", "", ""), THROTTLED),
            (http("401 No", "", &error(2)), Outcome::Unauthorized),
            (http("422 Bad", "", &error(25)), UNAVAILABLE),
            (http("500 Oops", "", &error(99)), Outcome::Unknown),
            (
                recorded("messagebird/error").replace("200 X", "404 Not Found"),
                UNAVAILABLE,
            ),
        ],
    )
    .await;
    let message = unicode();
    let (_, request) = exchange("messagebird", &message, recorded("messagebird/message")).await;
    let sent = json_of(&request);
    assert_eq!(sent["recipients"], json!(["79991234567"]));
    assert_eq!(sent["datacoding"], "unicode");
    assert_eq!(sent["reference"], message.reference.as_str());
    assert!(sent["validity"].is_u64(), "{sent}");
    let query = format!(
        "datacoding=plain&id=b6aae1b5dfb2427a8f7ea6a717ba31a9&mccmnc=310010&recipient=18885551515\
         &reference={}&statusDatetime=2023-07-28T17%3A57%3A12%2B00%3A00&status=delivery_failed\
         &statusErrorCode=103",
        message.reference
    );
    let failed = report("messagebird", &query, "");
    assert_eq!(failed.subject, Subject::Reference(message.reference));
    assert_eq!(failed.status, ReportStatus::Undelivered);
    assert_eq!(failed.code.as_deref(), Some("103"));
}

#[tokio::test]
async fn smsc() {
    let error = |code: u32| {
        let body = json!({ "error": "no", "error_code": code, "id": 7 });
        http("200 OK", "", &body.to_string())
    };
    outcomes(
        "smsc",
        [
            (recorded("smsc/send_response_ok"), accepted("10001")),
            (error(7), Outcome::Rejected),
            (error(4), THROTTLED),
            (error(3), UNAVAILABLE),
            (error(2), Outcome::Unauthorized),
            (recorded("smsc/send_response_error"), Outcome::Unknown),
            (error(77), Outcome::Unknown),
            (http("200 OK", "", "<html>"), Outcome::Unknown),
        ],
    )
    .await;
    let (answer, request) = exchange("smsc", &unicode(), error(7)).await;
    assert_eq!(answer.code.as_deref(), Some("7"));
    for (name, value) in [
        ("phones", "+79991234567"),
        ("mes", "Привет"),
        ("charset", "utf-8"),
        ("fmt", "3"),
    ] {
        assert_eq!(field(&request, name).as_deref(), Some(value), "{name}");
    }
    let body = "id=10002&phone=79001234568&status=20&time=24.11.2026+12%3A00%3A05&err=1&cnt=1";
    let failed = report("smsc", "", body);
    assert_eq!(failed.subject, by_provider("10002"));
    assert_eq!(failed.status, ReportStatus::Undelivered);
    assert_eq!(failed.code.as_deref(), Some("1"));
    let delivered = report("smsc", "", "id=10001&phone=79001234567&status=1&err=0");
    assert_eq!(delivered.status, ReportStatus::Delivered);
}

#[tokio::test]
async fn kannel() {
    let taken = Outcome::Accepted { provider_id: None };
    let table = [
        ("202 Accepted", "0: Accepted for delivery", taken.clone()),
        (
            "202 Accepted",
            "3: Queued for later delivery",
            taken.clone(),
        ),
        ("202 Accepted", "Sent.", taken),
        (
            "202 Accepted",
            "Sent. Denied receivers are: 123",
            Outcome::Rejected,
        ),
        (
            "400 Bad",
            "Missing receiver number, rejected",
            Outcome::Rejected,
        ),
        ("400 Bad", "<html>", UNAVAILABLE),
        (
            "403 No",
            "Not routable. Do not try again.",
            Outcome::Rejected,
        ),
        (
            "403 No",
            "Authorization failed for sendsms",
            Outcome::Unauthorized,
        ),
        (
            "503 Busy",
            "Temporal failure, try again later.",
            UNAVAILABLE,
        ),
        ("429 Slow", "Slow down", THROTTLED),
        ("202 Accepted", "<html>", Outcome::Unknown),
    ];
    let table = table.map(|(status, body, expected)| (http(status, "", body), expected));
    outcomes("kannel", table).await;
    let message = unicode();
    let response = http("202 Accepted", "", "0: Accepted for delivery");
    let (_, request) = exchange("kannel", &message, response).await;
    let line = request.lines().next().unwrap();
    let query = line.split_once('?').unwrap().1;
    let sent = form(query.split(' ').next().unwrap());
    let value = |name: &str| &sent.iter().find(|(key, _)| key == name).unwrap().1;
    let reference = message.reference;
    assert_eq!(value("coding"), "2");
    assert_eq!(value("text"), "Привет");
    let url = format!("{CALLBACK}?id={reference}&state=%d&centre=%F&answer=%A");
    assert_eq!(value("dlr-url"), &url);
    let query = format!(
        "id={reference}&state=1&centre=7A3F&answer=id%3A7A3F+sub%3A001+dlvrd%3A001+submit+date\
         %3A2611241200+done+date%3A2611241201+stat%3ADELIVRD+err%3A000"
    );
    let delivered = report("kannel", &query, "");
    assert_eq!(delivered.subject, Subject::Reference(reference));
    assert_eq!(delivered.status, ReportStatus::Delivered);
    assert_eq!(delivered.code.as_deref(), Some("000"));
    assert_eq!(delivered.receipt_id.as_deref(), Some("7A3F"));
    let query = format!("id={reference}&state=8&centre=7A3F&answer=ACK%2F");
    assert_eq!(report("kannel", &query, "").status, ReportStatus::Buffered);
}

#[tokio::test]
async fn jasmin() {
    let id = "07033084-5cfd-4812-90a4-e4d24ffb6e3d";
    let table = [
        ("200 OK", format!("Success \"{id}\""), accepted(id)),
        (
            "400 Bad",
            "Error \"Mandatory argument [to] is not found.\"".to_owned(),
            Outcome::Rejected,
        ),
        (
            "403 No",
            "Error \"User throughput exceeded\"".to_owned(),
            THROTTLED,
        ),
        (
            "403 No",
            "Error \"Authentication failure for username:foo\"".to_owned(),
            Outcome::Unauthorized,
        ),
        ("412 X", "Error \"No route found\"".to_owned(), UNAVAILABLE),
        (
            "500 Oops",
            "Error \"Cannot send submit_sm\"".to_owned(),
            Outcome::Unknown,
        ),
        ("400 Bad", "<html>".to_owned(), UNAVAILABLE),
        ("200 OK", "<html>".to_owned(), Outcome::Unknown),
    ];
    let table = table.map(|(status, body, expected)| (http(status, "", &body), expected));
    outcomes("jasmin", table).await;
    let response = || http("200 OK", "", &format!("Success \"{id}\""));
    let (_, request) = exchange("jasmin", &unicode(), response()).await;
    assert_eq!(field(&request, "coding").as_deref(), Some("8"));
    let hex = "041F04400438043204350442";
    assert_eq!(field(&request, "hex-content").as_deref(), Some(hex));
    assert_eq!(field(&request, "content"), None);
    let (_, request) = exchange("jasmin", &message(), response()).await;
    assert_eq!(field(&request, "coding").as_deref(), Some("0"));
    assert_eq!(field(&request, "content").as_deref(), Some("Hi there"));
    assert_eq!(field(&request, "hex-content"), None);
    for (state, status) in [
        ("ESME_ROK&level=1", ReportStatus::Buffered),
        ("ESME_RINVDSTADR&level=1", ReportStatus::Rejected),
        ("DELIVRD&level=2", ReportStatus::Delivered),
    ] {
        let body = format!("id={id}&message_status={state}&connector=smppcc1&id_smsc=12&err=000");
        let of_jasmin = report("jasmin", "", &body);
        assert_eq!(of_jasmin.subject, by_provider(id));
        assert_eq!(of_jasmin.status, status, "{state}");
    }
    let request = ReportRequest {
        method: "POST",
        url: "",
        query: "",
        headers: &[],
        body: b"id=1&message_status=DELIVRD",
    };
    let decoder = built("jasmin", "127.0.0.1:1").decoder;
    assert_eq!(decoder.decode(&request).unwrap().reply.body, "ACK/Jasmin");
}
