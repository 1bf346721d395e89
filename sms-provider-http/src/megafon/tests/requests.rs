//! What the platform is asked.

use serde_json::{Value, json};

use super::super::*;
use super::{config, fixture};
use crate::template::tests::submission;

fn request(from: &str) -> request::Request {
    let config = Settings::new(&config(&[("from", json!(from))])).unwrap();
    request::Request::new(&config.read().unwrap()).unwrap()
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
