//! How much memory a finished message takes.

use std::sync::Arc;
use std::time::Duration;

use sms_core::conformance::{Samples, changed, finished};
use sms_core::{Cause, Encoding, Message, Report, ReportStatus, State, Store, Transition};
use sms_redis::RedisStore;

use crate::server::{Server, store_at};

/// Enough for every index to have the form that it has in a large store.
const MESSAGES: usize = 5_000;
const BATCH: usize = 250;

/// All keys of a message counted: its record, its places in indexes, its provider id.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finished_message_of_100_characters_takes_less_than_1000_bytes() {
    let english = "Your parcel 4512-7781 is at the counter. The code is 123456, it is kept until \
                   Friday evening 20:00.";
    let russian = "Ваша посылка 4512-7781 ждёт в пункте выдачи. Код получения 123456, хранение до \
                   пятницы, до 20:00.";
    for (text, encoding) in [(english, Encoding::Gsm7), (russian, Encoding::Ucs2)] {
        let text = format!("{text:_<100}");
        assert_eq!(text.chars().count(), 100);
        let server = Server::start();
        let store = store_at(&server.url()).await;
        let before = used(&server);
        let samples = Samples::new(30);
        for _ in 0..MESSAGES / BATCH {
            deliver(&store, &samples, &text, encoding).await;
        }
        let after = used(&server);
        let per_message = (after - before) / MESSAGES as u64;
        println!("{encoding:?}: {per_message} bytes per finished message");
        assert!(per_message < 1_000, "{encoding:?}: {per_message} bytes");
        assert_eq!(
            store.count().await.unwrap().get(State::Delivered),
            MESSAGES as u64
        );
    }
}

fn used(server: &Server) -> u64 {
    // What was freed, and the tables that grow, settle within a moment.
    std::thread::sleep(Duration::from_secs(1));
    let info = server.ask(&["info", "memory"]);
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"));
    line.unwrap().trim().parse().unwrap()
}

/// A life as most have it: queued, sending, sent, delivered.
async fn deliver(store: &RedisStore, samples: &Samples, text: &str, encoding: Encoding) {
    let new = || {
        samples.message_with(|request| {
            request.text = text.parse().unwrap();
            request.encoding = encoding;
            request.from = Some("MyBrand".parse().unwrap());
        })
    };
    let messages: Vec<Message> = (0..BATCH).map(|_| new()).collect();
    store.insert(messages.clone()).await.unwrap();
    let sending = step(store, &messages, |message| {
        changed(message, |progress| {
            progress.state = State::Sending;
            let at = message.request.accepted_at + Duration::from_millis(120);
            progress.attempts.push(samples.bare_attempt(at));
            progress
                .timeline
                .push(transition(2, at, State::Sending, Cause::Claimed));
        })
    })
    .await;
    let sent = step(store, &sending, |message| {
        changed(message, |progress| {
            progress.state = State::Sent;
            let at = message.request.accepted_at + Duration::from_millis(480);
            let attempt = &mut progress.attempts[0];
            let id = uuid(samples);
            attempt.finished_at = Some(at);
            attempt.outcome = Some(sms_core::AttemptOutcome::Accepted);
            attempt.provider_id = Some(id.parse().unwrap());
            attempt.code = Some("0".to_owned());
            attempt.description = Some("ok".to_owned());
            attempt.node = Some([10, 1, 2, 3].into());
            progress
                .timeline
                .push(transition(3, at, State::Sent, Cause::Answered));
        })
    })
    .await;
    step(store, &sent, |message| {
        let at = message.request.accepted_at + Duration::from_secs(7);
        let mut change = finished(message, State::Delivered, at);
        change.after.attempts[0].report = Some(ReportStatus::Delivered);
        change.after.reports.push(Report {
            received_at: at,
            provider_id: change.after.attempts[0].provider_id.clone(),
            receipt_id: Some("1712345678".to_owned()),
            code: Some("000".to_owned()),
            text: Some("delivered".to_owned()),
            ..samples.report()
        });
        change
    })
    .await;
}

async fn step(
    store: &RedisStore,
    messages: &[Message],
    change: impl Fn(&Message) -> sms_core::Change,
) -> Vec<Message> {
    let changes: Vec<_> = messages.iter().map(change).collect();
    let after = changes.iter().map(|change| Message {
        request: Arc::clone(&change.before.request),
        progress: change.after.clone(),
    });
    let after = after.collect();
    let committed = store.commit(changes).await.unwrap();
    assert!(
        committed
            .iter()
            .all(|one| *one == sms_core::Committed::Applied)
    );
    after
}

fn transition(sequence: u32, at: sms_core::Timestamp, state: State, cause: Cause) -> Transition {
    Transition {
        sequence,
        at,
        state,
        cause,
    }
}

/// As many providers give them: 36 characters.
fn uuid(samples: &Samples) -> String {
    samples.message().id().to_string()
}
