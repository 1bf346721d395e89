//! What is refused, which field is blamed, and that nothing personal is repeated.

use prost_types::{Duration, Timestamp};
use sms_grpc::proto::v1::{
    CancelMessageRequest, EncodingChoice, GetMessageRequest, ListMessagesRequest,
    SendMessageRequest, WatchMessageRequest,
};
use tonic::Code;

use crate::server::{Server, blamed, details, to_send};

fn seconds(seconds: i64) -> Duration {
    Duration { seconds, nanos: 0 }
}

fn at(seconds: i64, nanos: i32) -> Timestamp {
    Timestamp { seconds, nanos }
}

/// What is wrong, which field is blamed for it, and what makes the request wrong.
type Case = (&'static str, &'static str, fn(&mut SendMessageRequest));

const CASES: &[Case] = &[
    ("no number", "to", |r| r.to.clear()),
    ("no country code", "to", |r| r.to = "9991234567".into()),
    ("letters", "to", |r| r.to = "+7999SECRET".into()),
    ("too short", "to", |r| r.to = "+79991".into()),
    ("too long", "to", |r| r.to = "+7999123456789".into()),
    ("no such country", "to", |r| r.to = "+9991234567890".into()),
    ("no such range", "to", |r| r.to = "+70000000000".into()),
    ("no text", "text", |r| r.text.clear()),
    ("blank text", "text", |r| r.text = " \t\n".into()),
    ("20 kB of text", "text", |r| {
        r.text = "SECRET ".repeat(3_000)
    }),
    ("11 segments", "text", |r| r.text = "x".repeat(10 * 153 + 1)),
    ("control character", "text", |r| {
        r.text = "SECRET\u{7}".into()
    }),
    ("not GSM-7", "text", |r| {
        r.text = "SECRET ж".into();
        r.encoding = EncodingChoice::Gsm7Strict.into();
    }),
    ("long sender", "from", |r| r.from = "SECRETSECRET".into()),
    ("wrong sender number", "from", |r| r.from = "+12".into()),
    ("unknown encoding", "encoding", |r| r.encoding = 99),
    ("unknown priority", "priority", |r| r.priority = -1),
    ("unknown policy", "on_unknown", |r| r.on_unknown = 4),
    ("before 1970", "send_at", |r| r.send_at = Some(at(-1, 0))),
    ("after 9999", "send_at", |r| {
        r.send_at = Some(at(253_402_300_800, 0))
    }),
    ("beyond 64 bits", "send_at", |r| {
        r.send_at = Some(at(i64::MAX, 0))
    }),
    ("wrong nanos", "send_at", |r| {
        r.send_at = Some(at(4_000_000_000, -1))
    }),
    ("far away", "send_at", |r| {
        r.send_at = Some(at(32_503_680_000, 0))
    }),
    ("negative", "validity", |r| r.validity = Some(seconds(-1))),
    ("zero", "validity", |r| r.validity = Some(seconds(0))),
    ("too long", "validity", |r| {
        r.validity = Some(seconds(8 * 86_400))
    }),
    ("beyond 64 bits", "validity", |r| {
        r.validity = Some(seconds(i64::MAX))
    }),
    ("long key", "idempotency_key", |r| {
        r.idempotency_key = "k".repeat(256)
    }),
    ("key not ASCII", "idempotency_key", |r| {
        r.idempotency_key = "ключ".into()
    }),
    ("long alias", "request_id", |r| {
        r.request_id = "k".repeat(256)
    }),
    ("two keys", "request_id", |r| {
        r.idempotency_key = "one".into();
        r.request_id = "two".into();
    }),
    ("provider's name", "provider", |r| r.provider = "a b".into()),
    ("no such provider", "provider", |r| {
        r.provider = "other".into()
    }),
];

#[tokio::test]
async fn each_wrong_field_is_blamed_and_nothing_is_stored() {
    let server = Server::start();
    let mut client = server.v1().await;
    for (what, field, spoil) in CASES {
        let mut request = to_send();
        spoil(&mut request);
        let status = client.send_message(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{what}");
        assert_eq!(blamed(&status), [*field], "{what}");
        let reason = details(&status).0;
        let unknown = *what == "no such provider";
        let expected = if unknown {
            "UNKNOWN_PROVIDER"
        } else {
            "INVALID_FIELD"
        };
        assert_eq!(reason, expected, "{what}");
        let told = format!("{} {:?}", status.message(), details(&status).1);
        for personal in ["7999", "SECRET", "0000000"] {
            assert!(!told.contains(personal), "{what}: {told}");
        }
    }
    assert_eq!(server.engine.count().await.unwrap().total(), 0);
}

#[tokio::test]
async fn all_wrong_fields_are_told_at_once() {
    let server = Server::start();
    let request = SendMessageRequest {
        encoding: 99,
        validity: Some(seconds(-5)),
        ..SendMessageRequest::default()
    };
    let status = server.v1().await.send_message(request).await.unwrap_err();
    assert_eq!(blamed(&status), ["to", "text", "encoding", "validity"]);
}

#[tokio::test]
async fn what_is_no_id_is_refused() {
    let server = Server::start();
    let mut client = server.v1().await;
    for id in [
        "",
        "17",
        "018f4e9a-7c1b-7abc-8def-0123456789zz",
        "+79991234567",
    ] {
        let id = || id.to_owned();
        let refusals = [
            client
                .get_message(GetMessageRequest { id: id() })
                .await
                .unwrap_err(),
            client
                .cancel_message(CancelMessageRequest { id: id() })
                .await
                .unwrap_err(),
            client
                .watch_message(WatchMessageRequest { id: id() })
                .await
                .unwrap_err(),
        ];
        for status in refusals {
            assert_eq!(status.code(), Code::InvalidArgument);
            assert_eq!(blamed(&status), ["id"]);
            assert!(!status.message().contains("7999"), "{status:?}");
        }
    }
}

#[tokio::test]
async fn wrong_questions_for_lists_are_refused() {
    type Case = (&'static str, fn(&mut ListMessagesRequest));
    let cases: [Case; 8] = [
        ("page_size", |r| r.page_size = -1),
        ("page_size", |r| r.page_size = 501),
        ("page_size", |r| r.page_size = i32::MAX),
        ("page_token", |r| r.page_token = "not a token".into()),
        ("states[1]", |r| r.states = vec![1, 99]),
        ("states[0]", |r| r.states = vec![0]),
        ("to", |r| r.to = "79991234567".into()),
        ("accepted_before", |r| r.accepted_before = Some(at(-5, 0))),
    ];
    let server = Server::start();
    for (field, spoil) in cases {
        let mut request = ListMessagesRequest::default();
        spoil(&mut request);
        let status = server.v1().await.list_messages(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{field}");
        assert_eq!(blamed(&status), [field]);
    }
}
