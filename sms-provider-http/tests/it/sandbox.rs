//! The sandbox takes, reports and misbehaves as it is told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sms_core::{Answer, Outcome, ReportDecoder, ReportRequest, ReportStatus, Submission};
use sms_provider_http::sandbox::{Behaviour, Response, Sandbox, SandboxConfig, SandboxKind, When};
use sms_provider_http::{Built, Kinds};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::support::{
    body, client, http, megafon, read_request, server, submission, with_callback,
};

/// Long enough for whatever is to come on loopback.
const PATIENCE: Duration = Duration::from_secs(5);

/// A sandbox that reports at once, a provider that hands messages to it, and what it reports.
struct Bench {
    sandbox: Sandbox,
    built: Built,
    callback: SocketAddr,
    reports: mpsc::UnboundedReceiver<String>,
}

async fn bench() -> Bench {
    bench_with(SandboxConfig {
        report_delay: Duration::ZERO..=Duration::ZERO,
        ..SandboxConfig::default()
    })
    .await
}

async fn bench_with(config: SandboxConfig) -> Bench {
    let sandbox = Sandbox::start(config).await.unwrap();
    let mut provider = sandbox.provider_config("Brand".parse().unwrap());
    provider.timeout = Duration::from_secs(1);
    let kind = SandboxKind::new(&sandbox, provider.from, &client());
    let section: toml::Table = "timeout = '1s'".parse().unwrap();
    let built = Kinds::new(&client())
        .with("sandbox", Arc::new(kind))
        .build("sandbox".parse().unwrap(), "sandbox", &section)
        .unwrap();
    let (callback, reports) = listener(vec![]).await;
    Bench {
        sandbox,
        built,
        callback,
        reports,
    }
}

/// Takes reports; the first ones are answered with these statuses, the others with 200.
async fn listener(first: Vec<&'static str>) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let first = Arc::new(std::sync::Mutex::new(first));
    let addr = server(move |mut stream| {
        let (sender, first) = (sender.clone(), Arc::clone(&first));
        async move {
            loop {
                let request = read_request(&mut stream).await;
                if request.is_empty() {
                    return;
                }
                let status = first.lock().unwrap().pop().unwrap_or("200 OK");
                let _ = sender.send(request);
                let _ = stream.write_all(http(status, "", "").as_bytes()).await;
            }
        }
    })
    .await;
    (addr, receiver)
}

impl Bench {
    fn message(&self, text: &str) -> Submission {
        with_callback(text, format!("http://{}/callback/x", self.callback))
    }

    async fn submit(&self, message: &Submission) -> Answer {
        self.built.provider.submit(message).await
    }

    fn taken(&self, message: &Submission) -> u64 {
        self.sandbox.taken(message.reference.as_str())
    }

    async fn report(&mut self) -> ReportStatus {
        let request = timeout(PATIENCE, self.reports.recv()).await;
        let request = request.expect("a report").expect("a listener");
        status(self.built.decoder.as_ref(), body(&request))
    }
}

fn status(decoder: &dyn ReportDecoder, body: &str) -> ReportStatus {
    let request = ReportRequest {
        method: "POST",
        url: "",
        query: "",
        headers: &[],
        body: body.as_bytes(),
    };
    decoder.decode(&request).unwrap().reports[0].status
}

fn is_accepted(answer: &Answer) -> bool {
    matches!(answer.outcome, Outcome::Accepted { .. })
}

fn is_duplicate(answer: &Answer) -> bool {
    matches!(answer.outcome, Outcome::Duplicate { .. })
}

#[tokio::test]
async fn a_message_goes_the_whole_way() {
    let mut bench = bench().await;
    let message = bench.message("Hello");
    let answer = bench.submit(&message).await;
    assert!(is_accepted(&answer), "{answer:?}");
    assert_eq!(answer.code.as_deref(), Some("0"));
    assert_eq!(bench.report().await, ReportStatus::Delivered);
}

#[tokio::test]
async fn a_message_without_callback_url_is_not_reported() {
    let mut bench = bench().await;
    assert!(is_accepted(&bench.submit(&submission("Quiet")).await));
    // The report of the next message is the first that comes.
    let next = bench.message("Loud #fail");
    bench.submit(&next).await;
    assert_eq!(bench.report().await, ReportStatus::Undelivered);
}

#[tokio::test]
async fn a_reference_is_taken_once() {
    let bench = bench().await;
    let mut message = bench.message("Hello");
    assert!(is_accepted(&bench.submit(&message).await));
    for attempt in 2..5 {
        message.attempt = attempt;
        assert!(is_duplicate(&bench.submit(&message).await));
    }
    let record = bench.sandbox.record(message.reference.as_str()).unwrap();
    assert_eq!((record.requests, record.takings, record.changes), (4, 1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_at_once_take_a_reference_once() {
    let bench = bench().await;
    let message = Arc::new(bench.message("Hello"));
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let (provider, message) = (Arc::clone(&bench.built.provider), Arc::clone(&message));
            tokio::spawn(async move { provider.submit(&message).await })
        })
        .collect();
    let mut accepted = 0;
    for task in tasks {
        let answer = task.await.unwrap();
        accepted += usize::from(is_accepted(&answer));
        assert!(is_accepted(&answer) || is_duplicate(&answer), "{answer:?}");
    }
    assert_eq!((accepted, bench.taken(&message)), (1, 1));
}

#[tokio::test]
async fn a_sender_that_json_has_to_escape_arrives() {
    let bench = bench().await;
    let mut message = bench.message("Hello");
    message.from = Some("A&\"B\\C".parse().unwrap());
    assert!(is_accepted(&bench.submit(&message).await));
}

#[tokio::test]
async fn a_sandbox_that_does_not_de_duplicate_takes_again() {
    let bench = bench_with(SandboxConfig {
        deduplicates: false,
        ..SandboxConfig::default()
    })
    .await;
    let message = submission("Hello");
    assert!(is_accepted(&bench.submit(&message).await));
    assert!(is_accepted(&bench.submit(&message).await));
    assert_eq!(bench.taken(&message), 2);
}

#[tokio::test]
async fn wrong_credentials_are_refused() {
    let bench = bench().await;
    let answer = megafon(&bench.sandbox.url())
        .provider
        .submit(&submission("Hello"))
        .await;
    assert_eq!(answer.outcome, Outcome::Unauthorized);
    assert_eq!(bench.sandbox.totals().takings, 0);
}

#[tokio::test]
async fn it_answers_as_it_is_told() {
    let bench = bench().await;
    let status = |status, retry_after| Response::Status {
        status,
        retry_after,
    };
    let wait = Some(Duration::from_secs(3));
    for (response, outcome) in [
        (Response::Code(102), Outcome::Rejected),
        (Response::Code(88), Outcome::Throttled { retry_after: None }),
        (status(401, None), Outcome::Unauthorized),
        (status(500, None), Outcome::Unknown),
        (status(502, None), Outcome::Unknown),
        (status(503, None), Outcome::Unknown),
        (
            status(503, Some(3)),
            Outcome::Unavailable { retry_after: wait },
        ),
        (Response::Cut, Outcome::Unknown),
        (Response::Never, Outcome::Unknown),
        (Response::Garbage, Outcome::Unknown),
        (Response::Huge(1_000_000), Outcome::Unknown),
        (Response::After(Duration::from_secs(2)), Outcome::Unknown),
    ] {
        let refusing = Behaviour::refusing(response.clone());
        let taking = Behaviour::answering(response.clone());
        bench.sandbox.behave_next([refusing, taking]);
        let (refused, taken) = (submission("Hello"), submission("Hello"));
        assert_eq!(
            bench.submit(&refused).await.outcome,
            outcome,
            "{response:?}"
        );
        assert_eq!(bench.taken(&refused), 0);
        assert_eq!(bench.submit(&taken).await.outcome, outcome, "{response:?}");
        assert_eq!(bench.taken(&taken), 1);
        // Submitting again tells what became of it, and takes nothing twice.
        assert!(is_accepted(&bench.submit(&refused).await), "{response:?}");
        assert!(is_duplicate(&bench.submit(&taken).await), "{response:?}");
        assert_eq!((bench.taken(&refused), bench.taken(&taken)), (1, 1));
    }
}

#[tokio::test]
async fn it_reports_as_it_is_told() {
    let mut bench = bench().await;
    let soon = When::After(Duration::from_millis(150));
    bench.sandbox.behave_next([
        Behaviour::reporting([(When::Usual, "DELIVRD"), (soon, "DELIVRD")]),
        Behaviour::reporting([(soon, "DELIVRD"), (When::Usual, "EXPIRED")]),
    ]);
    let (twice, unordered) = (bench.message("Hello"), bench.message("Hello"));
    bench.submit(&twice).await;
    assert_eq!(bench.report().await, ReportStatus::Delivered);
    assert_eq!(bench.report().await, ReportStatus::Delivered);
    bench.submit(&unordered).await;
    assert_eq!(bench.report().await, ReportStatus::Expired);
    assert_eq!(bench.report().await, ReportStatus::Delivered);
}

#[tokio::test]
async fn a_report_may_come_before_the_answer() {
    let mut bench = bench().await;
    let message = bench.message("Hello #early");
    assert!(is_accepted(&bench.submit(&message).await));
    // No waiting: it was there before the answer was.
    assert!(bench.reports.try_recv().is_ok());
}

#[tokio::test]
async fn words_in_the_text_make_it_misbehave() {
    let mut bench = bench().await;
    let text = |word: &str| bench.message(&format!("Hello {word}"));
    let (fail, expire) = (text("#fail"), text("#expire"));
    let (reject, throttle) = (text("#reject"), text("#throttle"));
    let (cut, hang, error) = (text("#cut"), text("#hang"), text("#error"));
    bench.submit(&fail).await;
    assert_eq!(bench.report().await, ReportStatus::Undelivered);
    bench.submit(&expire).await;
    assert_eq!(bench.report().await, ReportStatus::Expired);
    assert_eq!(bench.submit(&reject).await.outcome, Outcome::Rejected);
    for _ in 0..2 {
        let outcome = bench.submit(&throttle).await.outcome;
        assert_eq!(outcome, Outcome::Throttled { retry_after: None });
    }
    assert!(is_accepted(&bench.submit(&throttle).await));
    for message in [&cut, &hang] {
        assert_eq!(bench.submit(message).await.outcome, Outcome::Unknown);
        assert!(is_duplicate(&bench.submit(message).await));
    }
    assert_eq!(bench.submit(&error).await.outcome, Outcome::Unknown);
    assert!(is_accepted(&bench.submit(&error).await));
}

#[tokio::test]
async fn a_word_may_ask_for_silence() {
    let mut bench = bench().await;
    let (never, after) = (bench.message("Hello #never"), bench.message("Hello #fail"));
    assert!(is_accepted(&bench.submit(&never).await));
    bench.submit(&after).await;
    assert_eq!(bench.report().await, ReportStatus::Undelivered);
    assert!(bench.reports.try_recv().is_err());
}

#[tokio::test]
async fn a_report_that_is_not_taken_is_posted_again() {
    let mut bench = bench().await;
    let (callback, reports) = listener(vec!["503 Busy"]).await;
    (bench.callback, bench.reports) = (callback, reports);
    let message = bench.message("Hello");
    bench.submit(&message).await;
    assert_eq!(bench.report().await, ReportStatus::Delivered);
    assert_eq!(bench.report().await, ReportStatus::Delivered);
}

#[tokio::test]
async fn it_ends_when_it_is_dropped() {
    let bench = bench().await;
    let message = submission("Hello");
    assert!(is_accepted(&bench.submit(&message).await));
    let Bench { sandbox, built, .. } = bench;
    let addr = sandbox.addr();
    drop(sandbox);
    // Its tasks end at their next turn.
    let gone = async {
        while tokio::net::TcpStream::connect(addr).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("it stops listening");
    let outcome = built.provider.submit(&message).await.outcome;
    assert_eq!(outcome, Outcome::Unavailable { retry_after: None });
}
