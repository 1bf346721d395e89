//! Every way in which a request can fail, and what it says about the message.

use std::net::SocketAddr;
use std::time::Duration;

use sms_core::{Answer, Outcome};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use crate::support::{answering, http, megafon, read_request, server, submission};

const OK: &str = r#"{"result":{"status":{"code":0,"description":"ok"},"msg_id":"id"}}"#;
const UNAVAILABLE: Outcome = Outcome::Unavailable { retry_after: None };

async fn submitted(url: &str) -> Answer {
    let started = Instant::now();
    let built = megafon(url);
    let answer = built.provider.submit(&submission("Hello")).await;
    // Its time-out is a second; the rest is for a busy machine.
    assert!(started.elapsed() < Duration::from_secs(5), "it hangs");
    answer
}

async fn submitted_to(addr: SocketAddr) -> Answer {
    submitted(&format!("http://{addr}/")).await
}

fn told(answer: &Answer) -> &str {
    answer.description.as_deref().expect("a description")
}

#[tokio::test]
async fn a_refused_connection_is_not_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let answer = submitted_to(addr).await;
    assert_eq!(answer.outcome, UNAVAILABLE);
    assert_eq!(told(&answer), "the connection was refused");
}

#[tokio::test]
async fn a_name_that_nobody_has_is_not_taken() {
    // A resolver that does not answer runs into the connect time-out, which is no different.
    let answer = submitted("http://nobody.invalid/").await;
    assert_eq!(answer.outcome, UNAVAILABLE);
}

#[tokio::test]
async fn a_failed_tls_handshake_is_not_taken() {
    let addr = server(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        keep_silent(stream).await;
    })
    .await;
    let answer = submitted(&format!("https://{addr}/")).await;
    assert_eq!(answer.outcome, UNAVAILABLE);
    assert_eq!(told(&answer), "the TLS handshake failed");
}

#[tokio::test]
async fn a_tls_handshake_that_stalls_is_not_taken() {
    let addr = server(keep_silent).await;
    let answer = submitted(&format!("https://{addr}/")).await;
    assert_eq!(answer.outcome, UNAVAILABLE);
    assert_eq!(told(&answer), "no connection within the connect time-out");
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_not_taken() {
    // TEST-NET-1 (RFC 5737): routed nowhere, or refused by the nearest router.
    let answer = submitted("http://192.0.2.1/").await;
    assert_eq!(answer.outcome, UNAVAILABLE);
}

#[tokio::test]
async fn a_connection_closed_before_the_answer_leaves_the_outcome_unknown() {
    let at_once = server(|stream| async move { drop(stream) }).await;
    // Closing with bytes unread sends a reset, closing after reading them an ordinary end.
    let reset = server(|stream| async move {
        let _ = stream.readable().await;
    })
    .await;
    let after_reading = server(|mut stream| async move {
        read_request(&mut stream).await;
    })
    .await;
    for (addr, how) in [
        (at_once, "closed at once"),
        (reset, "reset"),
        (after_reading, "closed after reading"),
    ] {
        let answer = submitted_to(addr).await;
        assert_eq!(answer.outcome, Outcome::Unknown, "{how}");
        let expected = "the connection was closed before the answer";
        assert_eq!(told(&answer), expected, "{how}");
    }
}

#[tokio::test]
async fn no_answer_in_time_leaves_the_outcome_unknown() {
    let answer = submitted_to(server(keep_silent).await).await;
    assert_eq!(answer.outcome, Outcome::Unknown);
    assert_eq!(told(&answer), "no answer within the time-out");
}

#[tokio::test]
async fn an_answer_after_the_time_out_comes_too_late() {
    let addr = server(|mut stream| async move {
        read_request(&mut stream).await;
        sleep(Duration::from_secs(2)).await;
        let _ = stream.write_all(http("200 OK", "", OK).as_bytes()).await;
    })
    .await;
    assert_eq!(submitted_to(addr).await.outcome, Outcome::Unknown);
}

#[tokio::test]
async fn half_a_head_or_none_leaves_the_outcome_unknown() {
    for head in [
        "HTTP/1.1 200 OK\r\nconte",
        "HTTP/1.1 2",
        "SSH-2.0-server\r\n",
        "\0\x01\x02\r\n\r\n",
    ] {
        let (addr, _) = answering(head).await;
        assert_eq!(submitted_to(addr).await.outcome, Outcome::Unknown, "{head}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_the_outcome_unknown() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n";
    let (cut, _) = answering(format!("{head}{OK}")).await;
    let (chunked, _) =
        answering("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n41\r\n{\"result\"").await;
    let stalled = server(move |mut stream| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(format!("{head}{OK}").as_bytes()).await;
        keep_silent(stream).await;
    })
    .await;
    for (addr, how) in [
        (cut, "cut"),
        (chunked, "cut in a chunk"),
        (stalled, "stalled"),
    ] {
        let answer = submitted_to(addr).await;
        assert_eq!(answer.outcome, Outcome::Unknown, "{how}");
        assert_eq!(answer.code.as_deref(), Some("http_200"), "{how}");
    }
}

#[tokio::test]
async fn a_connection_that_the_server_closed_between_two_requests_does_no_harm() {
    let addr = server(|mut stream| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(http("200 OK", "", OK).as_bytes()).await;
    })
    .await;
    let built = megafon(&format!("http://{addr}/"));
    for _ in 0..3 {
        let answer = built.provider.submit(&submission("Hello")).await;
        assert!(
            matches!(answer.outcome, Outcome::Accepted { .. }),
            "{answer:?}"
        );
        // The end of the connection has been sent; let the client see it.
        sleep(Duration::from_millis(30)).await;
    }
}

#[tokio::test]
async fn a_status_tells_what_it_can() {
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let unavailable = |retry_after| Outcome::Unavailable { retry_after };
    let throttled = |retry_after| Outcome::Throttled { retry_after };
    let wait = "retry-after: 7\r\n";
    let past = "retry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    for (status, headers, outcome) in [
        ("200 OK", "", Outcome::Unknown),
        ("301 Moved", "location: /new\r\n", UNAVAILABLE),
        // MegaFon refuses a message in its own words only; these are a proxy's.
        ("400 Bad Request", "", UNAVAILABLE),
        ("413 Payload Too Large", wait, unavailable(seconds(7))),
        ("422 Unprocessable", "", UNAVAILABLE),
        ("401 Unauthorized", "", Outcome::Unauthorized),
        ("403 Forbidden", "", Outcome::Unauthorized),
        ("404 Not Found", "", UNAVAILABLE),
        ("408 Request Timeout", wait, Outcome::Unknown),
        ("429 Too Many Requests", "", throttled(None)),
        ("429 Too Many Requests", wait, throttled(seconds(7))),
        ("429 Too Many Requests", past, throttled(seconds(0))),
        ("500 Internal Server Error", wait, Outcome::Unknown),
        ("502 Bad Gateway", "", Outcome::Unknown),
        ("503 Service Unavailable", "", Outcome::Unknown),
        ("503 Service Unavailable", wait, unavailable(seconds(7))),
        ("504 Gateway Timeout", "", Outcome::Unknown),
    ] {
        let (addr, _) = answering(http(status, headers, "<html>")).await;
        let answer = submitted_to(addr).await;
        assert_eq!(answer.outcome, outcome, "{status} {headers}");
        assert_eq!(answer.node, Some(addr.ip()));
        assert!(told(&answer).contains(&status[..3]), "{answer:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in [
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let (target, asked) = answering(http("200 OK", "", OK)).await;
        let location = format!("location: http://{target}/\r\n");
        let (addr, _) = answering(http(status, &location, "")).await;
        let answer = submitted_to(addr).await;
        assert_eq!(answer.outcome, UNAVAILABLE, "{status}");
        assert!(told(&answer).contains("check the provider's url"));
        assert!(asked.lock().unwrap().is_empty(), "handed over elsewhere");
    }
}

#[tokio::test]
async fn a_request_is_made_once_whatever_happens() {
    for answer in [
        "",
        "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n",
        "garbage",
    ] {
        let (addr, requests) = answering(answer).await;
        submitted_to(addr).await;
        assert_eq!(requests.lock().unwrap().len(), 1, "{answer}");
    }
}

#[tokio::test]
async fn a_failure_does_not_show_the_url_or_the_message() {
    let addr = server(keep_silent).await;
    let url = format!("http://{addr}/key-hunter2/send");
    let built = megafon(&url);
    let answer = built.provider.submit(&submission("Hello you")).await;
    let shown = format!("{answer:?} {built:?}");
    for secret in [
        "hunter2",
        "Hello you",
        "79991234567",
        "password",
        "bG9naW46",
    ] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

/// Reads whatever comes and says nothing.
async fn keep_silent(mut stream: TcpStream) {
    let mut part = [0; 1_024];
    while matches!(stream.read(&mut part).await, Ok(read) if read > 0) {}
}
