//! Large answers and the number of connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sms_core::{Outcome, Provider};
use sms_provider_http::sandbox::{self, Behaviour, Response, Sandbox, SandboxConfig};
use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;

use crate::support::{build, client, read_request, server, submission};

/// Less than the time-out of ten seconds, so that it was not the time-out that ended a request.
const WELL_WITHIN: Duration = Duration::from_secs(8);

async fn sandboxed() -> (Sandbox, Arc<dyn Provider>) {
    let sandbox = Sandbox::start(SandboxConfig::default()).await.unwrap();
    let name = "sandbox".parse().unwrap();
    let built = sandbox::provider(&sandbox, name, &client()).unwrap();
    (sandbox, built.provider)
}

#[tokio::test]
async fn an_answer_of_ten_megabytes_is_not_read_and_its_outcome_is_unknown() {
    let (sandbox, provider) = sandboxed().await;
    sandbox.set_behaviour(Some(Behaviour::answering(Response::Huge(10_000_000))));
    let started = Instant::now();
    let answer = provider.submit(&submission("Hello")).await;
    assert_eq!(answer.outcome, Outcome::Unknown);
    assert!(started.elapsed() < WELL_WITHIN);
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let written = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&written);
    let addr = server(move |mut stream| {
        let count = Arc::clone(&count);
        async move {
            read_request(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            while stream.write_all(&[b' '; 8_192]).await.is_ok() {
                count.fetch_add(8_192, Ordering::Relaxed);
            }
        }
    })
    .await;
    let settings = format!("url = 'http://{addr}/{{to}}/{{text}}'\ntimeout = '10s'");
    let settings = format!("{settings}\nanswer = {{ verdict = '/code', accepted = [0] }}");
    let built = build("http", &settings).unwrap();
    let started = Instant::now();
    let answer = built.provider.submit(&submission("Hello")).await;
    assert_eq!(answer.outcome, Outcome::Unknown);
    // It did not run into the time-out, so it was our bound that ended it; what was written
    // beyond it lay in the buffers of the two sockets.
    assert!(started.elapsed() < WELL_WITHIN);
    assert!(written.load(Ordering::Relaxed) < 16 << 20);
}

#[tokio::test]
async fn connections_are_used_again() {
    let (sandbox, provider) = sandboxed().await;
    for _ in 0..50 {
        provider.submit(&submission("Hello")).await;
    }
    let totals = sandbox.totals();
    assert_eq!((totals.requests, totals.connections), (50, 1));
}

#[tokio::test]
async fn messages_at_once_share_the_pool() {
    let (sandbox, provider) = sandboxed().await;
    for _ in 0..5 {
        let tasks: Vec<_> = (0..32)
            .map(|_| {
                let provider = Arc::clone(&provider);
                tokio::spawn(async move { provider.submit(&submission("Hello")).await.outcome })
            })
            .collect();
        for task in tasks {
            let outcome = task.await.unwrap();
            assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
        }
    }
    let totals = sandbox.totals();
    assert_eq!(totals.requests, 160);
    assert!(totals.connections <= 32, "{}", totals.connections);
}
