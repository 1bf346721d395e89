//! The older wire contract, byte by byte. These tests may not change: the clients do not.

use sms_core::{ReportStatus, State};

use crate::raw::call;
use crate::server::Server;

/// A field of type string: its number with wire type 2, the length, the bytes.
fn string(number: u8, value: &str) -> Vec<u8> {
    let mut field = vec![number << 3 | 2, u8::try_from(value.len()).unwrap()];
    field.extend(value.as_bytes());
    field
}

/// Reads such fields, and integers of wire type 0, off a message.
fn fields(mut bytes: &[u8]) -> Vec<(u8, String)> {
    let mut fields = Vec::new();
    while let [tag, rest @ ..] = bytes {
        let (value, rest) = match tag & 7 {
            0 => varint(rest),
            2 => {
                let (value, rest) = rest[1..].split_at(rest[0].into());
                (String::from_utf8(value.to_vec()).unwrap(), rest)
            }
            other => panic!("wire type {other}"),
        };
        fields.push((tag >> 3, value));
        bytes = rest;
    }
    fields
}

fn varint(bytes: &[u8]) -> (String, &[u8]) {
    let length = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let (value, rest) = bytes.split_at(length);
    let value = value
        .iter()
        .rev()
        .fold(0u64, |value, byte| value << 7 | u64::from(byte & 0x7f));
    ((value as i64).to_string(), rest)
}

#[tokio::test]
async fn a_message_is_sent_and_asked_about() {
    let server = Server::working([] as [sms_core::Outcome; 0]);
    let mut request = string(1, "8 (999) 123-45-67");
    request.extend(string(2, "Привет"));
    assert_eq!(request[..4], [0x0a, 17, b'8', b' ']);

    let reply = call(server.address, "/SMSService/SendMessage", &[], &request).await;
    assert_eq!(reply.status, 0);
    let reply = fields(&reply.message);
    assert_eq!(reply.len(), 1);
    let (1, uuid) = reply[0].clone() else {
        panic!("field 1 and no other: {reply:?}");
    };
    assert_eq!(uuid.len(), 36);
    let id = uuid.parse().unwrap();
    server.reaches(id, State::Sent).await;
    let submission = server.provider.submissions().remove(0);
    assert_eq!(submission.to.e164().as_str(), "+79991234567");
    assert_eq!(submission.text.as_str(), "Привет");

    let question = string(1, &uuid);
    let reply = call(
        server.address,
        "/SMSService/GetMessageStatus",
        &[],
        &question,
    )
    .await;
    assert_eq!(reply.status, 0);
    // Code 0 is the default of its type, so it is not on the wire.
    let reply = fields(&reply.message);
    assert_eq!(reply[0], (1, "accepted".into()));
    assert_eq!(reply[1], (3, "0.0.0.0".into()));
    assert_eq!(reply[2].0, 4);
    assert!(reply[2].1.ends_with('Z'), "{reply:?}");
    assert_eq!(reply.len(), 3);

    server.report(id, ReportStatus::Delivered).await;
    let reply = call(
        server.address,
        "/SMSService/GetDeliveryStatus",
        &[],
        &question,
    )
    .await;
    assert_eq!(reply.status, 0);
    let reply = fields(&reply.message);
    assert_eq!(reply[0], (1, uuid));
    assert_eq!(reply[1], (2, "receipt-1".into()));
    assert_eq!(reply[2], (3, "delivered".into()));
    assert_eq!(reply[3], (4, "stat:DELIVRD".into()));
    assert_eq!(reply[4].0, 5);
    assert_eq!(reply.len(), 5);
}

#[tokio::test]
async fn an_unknown_id_has_code_minus_one() {
    let server = Server::start();
    let question = string(1, "00000000-0000-0000-0000-000000000000");
    let reply = call(
        server.address,
        "/SMSService/GetMessageStatus",
        &[],
        &question,
    )
    .await;
    assert_eq!(reply.status, 0);
    assert!(fields(&reply.message).contains(&(2, "-1".into())));
}

#[tokio::test]
async fn a_wrong_number_is_invalid_argument() {
    let server = Server::start();
    let mut request = string(1, "12");
    request.extend(string(2, "Hello"));
    let reply = call(server.address, "/SMSService/SendMessage", &[], &request).await;
    assert_eq!(reply.status, 3);
    assert!(reply.message.is_empty());
}

#[tokio::test]
async fn an_unknown_method_is_unimplemented() {
    let server = Server::start();
    for path in [
        "/SMSService/Nothing",
        "/sms.v1.Nothing/SendMessage",
        "/nothing",
    ] {
        let reply = call(server.address, path, &[], &[]).await;
        assert_eq!(reply.status, 12, "{path}");
    }
}
