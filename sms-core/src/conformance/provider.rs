//! The rules for a [`Provider`], as far as they can be checked without knowing what it says to
//! its server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout};

use super::Samples;
use super::faulty_server::{Fault, FaultyServer, nobody};
use super::samples::text;
use crate::{Answer, CallbackUrl, Encoding, Outcome, Provider, Submission, Timestamp};

/// The provider under test.
pub type Subject = Arc<dyn Provider>;

/// How much later than its time-out a provider may answer: scheduling, not waiting.
const GRACE: Duration = Duration::from_millis(500);

/// Makes one test of every rule that holds for any [`Provider`], wherever it hands messages to.
///
/// Takes the path of an `async fn() -> (Arc<dyn Provider>, Kept)`. The provider should speak to
/// something that answers, such as a fake of your own; `Kept` is whatever must live as long.
#[macro_export]
macro_rules! provider_conformance {
    ($fresh:path) => {
        $crate::__conformance_tests! { $fresh, provider:
            name_and_capabilities_do_not_change
            the_time_out_makes_sense
            every_submission_is_answered_in_time
            submissions_at_once_are_all_answered
            a_submission_that_is_cut_off_does_no_harm
            a_submission_is_not_told_in_debug
        }
    };
}

/// Makes one test of every rule for a [`Provider`] that speaks to a server over TCP, by letting
/// it speak to servers that behave badly.
///
/// Takes the path of an `async fn() -> (ProviderAt, Kept)`, where `ProviderAt` is a
/// `Fn(SocketAddr) -> Arc<dyn Provider>` that makes the provider for a server at this address
/// (for most: `http://ADDRESS`), with a time-out of about one second so that the tests are quick.
#[macro_export]
macro_rules! provider_faults {
    ($harness:path) => {
        $crate::__conformance_tests! { $harness, provider:
            a_server_that_is_not_there_is_unavailable
            a_server_that_never_answers_leaves_the_outcome_unknown
            a_server_that_closes_leaves_the_outcome_unknown
            a_server_that_answers_garbage_leaves_the_outcome_unknown
            every_kind_of_submission_survives_every_fault
            a_de_duplicating_provider_repeats_the_same_request
            a_submission_that_is_cut_off_leaves_the_next_one_whole
        }
    };
}

/// The engine asks once.
pub async fn name_and_capabilities_do_not_change(provider: Subject) {
    let (name, capabilities) = (provider.name().clone(), provider.capabilities());
    for submission in submissions(1) {
        provider.submit(&submission).await;
        assert_eq!(*provider.name(), name);
        assert_eq!(provider.capabilities(), capabilities);
    }
}

/// A lease lasts four times as long, so an hour would leave a message of a dead worker alone for
/// an afternoon.
pub async fn the_time_out_makes_sense(provider: Subject) {
    let allowed = Duration::from_millis(10)..=Duration::from_secs(600);
    let time_out = provider.capabilities().timeout;
    assert!(
        allowed.contains(&time_out),
        "{time_out:?} is not within {allowed:?}"
    );
}

/// Long ones, foreign ones, with every kind of sender; no answer is a panic.
pub async fn every_submission_is_answered_in_time(provider: Subject) {
    for submission in submissions(2) {
        submit(&provider, &submission).await;
    }
}

/// A worker has dozens of them under way.
pub async fn submissions_at_once_are_all_answered(provider: Subject) {
    let samples = Samples::new(3);
    let tasks = (0..32).map(|_| {
        let (provider, submission) = (provider.clone(), submission(&samples));
        tokio::spawn(async move { submit(&provider, &submission).await })
    });
    for task in join_all(tasks).await {
        task.expect("submit does not panic");
    }
}

/// The engine drops the call when the time-out is over.
pub async fn a_submission_that_is_cut_off_does_no_harm(provider: Subject) {
    let samples = Samples::new(4);
    for micros in [0, 10, 100, 1_000, 5_000] {
        let first = submission(&samples);
        drop(timeout(Duration::from_micros(micros), provider.submit(&first)).await);
        submit(&provider, &submission(&samples)).await;
    }
}

/// Numbers and texts are personal data.
pub async fn a_submission_is_not_told_in_debug(provider: Subject) {
    for submission in submissions(5) {
        let answer = provider.submit(&submission).await;
        let shown = format!("{provider:?} {:?}", answer.outcome);
        let number = submission.to.digits();
        assert!(!shown.contains(number.as_str()), "the number shows");
        assert!(!shown.contains(submission.text.as_str()), "the text shows");
    }
}

/// Nothing has left: the engine may safely try again.
pub async fn a_server_that_is_not_there_is_unavailable(at: impl Fn(SocketAddr) -> Subject) {
    let provider = at(nobody());
    for (nth, submission) in submissions(6).iter().enumerate() {
        let outcome = submit(&provider, submission).await.outcome;
        let unavailable = matches!(outcome, Outcome::Unavailable { .. });
        // A provider may refuse by itself what its server could never take, but not the first,
        // which is an ordinary one.
        let refused = nth > 0 && outcome == Outcome::Rejected;
        assert!(
            unavailable || refused,
            "the connection was refused: {outcome:?}"
        );
    }
}

/// The request had left, so the message may be on its way. The answer is in time all the same.
pub async fn a_server_that_never_answers_leaves_the_outcome_unknown(
    at: impl Fn(SocketAddr) -> Subject,
) {
    expect_unknown(Fault::Silence, at).await;
}

/// The request had been read, so the message may be on its way.
pub async fn a_server_that_closes_leaves_the_outcome_unknown(at: impl Fn(SocketAddr) -> Subject) {
    expect_unknown(Fault::Close, at).await;
}

/// Whoever answered had the request.
pub async fn a_server_that_answers_garbage_leaves_the_outcome_unknown(
    at: impl Fn(SocketAddr) -> Subject,
) {
    expect_unknown(Fault::Garbage, at).await;
}

/// A text that fits no single request of the provider must not be a panic.
pub async fn every_kind_of_submission_survives_every_fault(at: impl Fn(SocketAddr) -> Subject) {
    for fault in [Fault::Close, Fault::Garbage] {
        let server = FaultyServer::start(fault);
        let provider = at(server.address());
        for submission in submissions(7) {
            let outcome = submit(&provider, &submission).await.outcome;
            // A provider may refuse by itself what its server could never take.
            let honest = matches!(outcome, Outcome::Unknown | Outcome::Rejected);
            assert!(honest, "{fault:?} was taken for {outcome:?}");
        }
    }
}

/// Otherwise the server takes the second for another message.
pub async fn a_de_duplicating_provider_repeats_the_same_request(
    at: impl Fn(SocketAddr) -> Subject,
) {
    let server = FaultyServer::start(Fault::Close);
    let provider = at(server.address());
    if !provider.capabilities().deduplicates {
        return;
    }
    let mut submission = submission(&Samples::new(8));
    for attempt in 1..=3 {
        submission.attempt = attempt;
        submit(&provider, &submission).await;
    }
    let requests = server.requests();
    let bodies: Vec<&[u8]> = requests.iter().map(|request| body(request)).collect();
    assert_eq!(bodies.len(), 3, "one request for each attempt");
    assert!(!bodies[0].is_empty(), "something was sent");
    assert!(
        bodies.iter().all(|one| *one == bodies[0]),
        "the requests differ"
    );
}

/// A connection that was cut in the middle of a request is not used again.
pub async fn a_submission_that_is_cut_off_leaves_the_next_one_whole(
    at: impl Fn(SocketAddr) -> Subject,
) {
    let samples = Samples::new(9);
    let server = FaultyServer::start(Fault::Silence);
    let provider = at(server.address());
    let first = submission(&samples);
    drop(timeout(Duration::from_millis(100), provider.submit(&first)).await);
    let outcome = submit(&provider, &submission(&samples)).await.outcome;
    assert_eq!(outcome, Outcome::Unknown);
    let received = server.requests().len();
    assert_eq!(received, 2, "each on a connection of its own");
}

async fn expect_unknown(fault: Fault, at: impl Fn(SocketAddr) -> Subject) {
    let server = FaultyServer::start(fault);
    let provider = at(server.address());
    let outcome = submit(&provider, &submission(&Samples::new(10)))
        .await
        .outcome;
    assert_eq!(outcome, Outcome::Unknown, "{fault:?}");
    let requests = server.requests().len();
    assert_eq!(requests, 1, "repeating is the engine's business");
}

/// Submits, and checks that the answer is in time.
async fn submit(provider: &Subject, submission: &Submission) -> Answer {
    let time_out = provider.capabilities().timeout;
    let started = Instant::now();
    let answer = timeout(time_out + GRACE, provider.submit(submission)).await;
    let took = started.elapsed();
    answer.unwrap_or_else(|_| panic!("no answer after {took:?}; the time-out is {time_out:?}"))
}

/// What is after the head of a request; all of it in a protocol that has none. A head may hold
/// the time or a signature, which servers do not compare.
fn body(request: &[u8]) -> &[u8] {
    let end = request.windows(4).position(|four| four == b"\r\n\r\n");
    end.map_or(request, |end| &request[end + 4..])
}

/// An ordinary one.
fn submission(samples: &Samples) -> Submission {
    let message = samples.message();
    let request = &message.request;
    Submission {
        id: request.id,
        reference: message.reference(),
        attempt: 1,
        to: request.to,
        from: None,
        text: request.text.clone(),
        encoding: request.encoding,
        segments: request.segments,
        // Providers count from the real time, whatever that of the samples is.
        expires_at: Timestamp::from(std::time::SystemTime::now()) + Duration::from_secs(3_600),
        callback_url: None,
    }
}

/// The ordinary one, and those at the edges.
fn submissions(seed: u64) -> Vec<Submission> {
    let samples = Samples::new(seed);
    let with = |edit: &dyn Fn(&mut Submission)| {
        let mut submission = submission(&samples);
        edit(&mut submission);
        submission
    };
    let mut all = vec![
        with(&|_| {}),
        with(&|long| {
            long.text = text(&"0123456789".repeat(153));
            long.segments = 10;
        }),
        with(&|foreign| {
            foreign.text = text(&"Привет 👋🏽 \"<&>\" \\ %0A+\n".repeat(10));
            foreign.encoding = Encoding::Ucs2;
            foreign.segments = 4;
        }),
        with(&|late| late.expires_at = Timestamp::MAX),
        with(&|past| past.expires_at = Timestamp::from_millis(0)),
        with(&|called_back| {
            let url = "https://sms.example.com/callback/main/0123456789abcdef/00ff".to_owned();
            called_back.callback_url = Some(CallbackUrl::new(url));
        }),
        with(&|many| many.attempt = u32::MAX),
    ];
    for from in ["Longest One", "A&B=C?D#E/\"", "+79991234567", "123"] {
        all.push(with(&|named| named.from = from.parse().ok()));
    }
    all
}
