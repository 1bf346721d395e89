//! What the platform reports.

use serde_json::{Value, json};
use sms_core::{ReportDecoder, ReportRequest, ReportStatus, Subject};

use super::super::*;
use super::fixture;
use crate::template::tests::submission;

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
