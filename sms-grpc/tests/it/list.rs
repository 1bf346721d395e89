//! ListMessages.

use std::collections::HashSet;

use prost::Message as _;
use sms_core::{IncomingReport, MessageId, ReportStatus, State, Subject};
use sms_grpc::proto::v1::{
    ListMessagesRequest, ListMessagesResponse, SendMessageRequest, State as WireState,
};

use crate::server::{PROVIDER, Server, Setup, to_send};

async fn list(server: &Server, request: ListMessagesRequest) -> ListMessagesResponse {
    let reply = server.v1().await.list_messages(request).await;
    reply.unwrap().into_inner()
}

fn ids(page: &ListMessagesResponse) -> Vec<String> {
    page.messages.iter().map(|m| m.id.clone()).collect()
}

#[tokio::test]
async fn pages_show_every_message_once_the_latest_first() {
    let server = Server::start();
    let mut sent = HashSet::new();
    for _ in 0..5 {
        sent.insert(server.send().await.to_string());
    }
    let (mut seen, mut token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let request = ListMessagesRequest {
            page_size: 2,
            page_token: token,
            ..ListMessagesRequest::default()
        };
        let page = list(&server, request).await;
        assert!(page.messages.len() <= 2);
        seen.extend(page.messages);
        pages += 1;
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert!((3..=4).contains(&pages), "{pages}");
    assert_eq!(seen.len(), 5);
    assert!(seen.iter().map(|m| m.id.clone()).collect::<HashSet<_>>() == sent);
    let times = seen.iter().map(|m| m.accepted_at.unwrap());
    let times: Vec<_> = times.map(|t| (t.seconds, t.nanos)).collect();
    assert!(times.is_sorted_by(|later, earlier| later >= earlier));
}

#[tokio::test]
async fn a_page_without_a_size_holds_fifty() {
    let server = Server::start();
    for _ in 0..51 {
        server.send().await;
    }
    let page = list(&server, ListMessagesRequest::default()).await;
    assert_eq!(page.messages.len(), 50);
    assert!(!page.next_page_token.is_empty());
}

/// The provider has told as much of the message as is kept, in long words.
async fn tell_a_long_life(server: &Server, id: MessageId) {
    for number in 0..16 {
        let report = IncomingReport {
            subject: Subject::Id(id),
            status: ReportStatus::Buffered,
            provider_id: None,
            receipt_id: Some(format!("{number:0>255}")),
            code: Some("000".into()),
            text: Some("щ".repeat(500)),
        };
        let provider = PROVIDER.parse().unwrap();
        server.engine.report(&provider, report).await.unwrap();
    }
}

#[tokio::test]
async fn a_page_of_long_lives_is_one_that_clients_take() {
    let setup = Setup {
        works: true,
        ..Setup::default()
    };
    let server = setup.start();
    for _ in 0..300 {
        let id = server.send().await;
        server.reaches(id, State::Sent).await;
        tell_a_long_life(&server, id).await;
    }
    let (mut seen, mut bytes, mut token) = (HashSet::new(), 0, String::new());
    loop {
        let request = ListMessagesRequest {
            page_size: 500,
            page_token: token,
            ..ListMessagesRequest::default()
        };
        // The client takes 4 MiB at once, as all do.
        let page = list(&server, request).await;
        bytes += page.encoded_len();
        seen.extend(ids(&page));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen.len(), 300);
    assert!(bytes > 4 * 1024 * 1024, "{bytes}: too few to tell anything");
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let server = Server::start();
    let other = SendMessageRequest {
        to: "+79997654321".into(),
        ..to_send()
    };
    let mine = server.send().await;
    server.v1().await.send_message(other).await.unwrap();
    server.engine.cancel(mine).await.unwrap();
    server.reaches(mine, State::Canceled).await;
    let expect = async |request: ListMessagesRequest, count: usize, what: &str| {
        let page = list(&server, request).await;
        assert_eq!(page.messages.len(), count, "{what}");
        ids(&page)
    };
    let states = |states: &[WireState]| ListMessagesRequest {
        states: states.iter().map(|state| (*state).into()).collect(),
        ..ListMessagesRequest::default()
    };
    let canceled = expect(states(&[WireState::Canceled]), 1, "canceled").await;
    assert_eq!(canceled, [mine.to_string()]);
    let both = states(&[WireState::Canceled, WireState::Queued]);
    expect(both, 2, "two states").await;
    expect(states(&[WireState::Failed]), 0, "failed").await;
    let to = ListMessagesRequest {
        to: "+7 999 765-43-21".into(),
        ..ListMessagesRequest::default()
    };
    let found = expect(to, 1, "recipient").await;
    assert_ne!(found, canceled);
    let now = server.engine.now().as_millis() / 1_000;
    let time = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let since = |seconds| ListMessagesRequest {
        accepted_from: time(seconds),
        ..ListMessagesRequest::default()
    };
    expect(since(now - 60), 2, "since a minute ago").await;
    expect(since(now + 60), 0, "from the future").await;
    let before = ListMessagesRequest {
        accepted_before: time(now - 60),
        ..ListMessagesRequest::default()
    };
    expect(before, 0, "before a minute ago").await;
}
