//! What a client may not use up: memory, time, and the attention that others need.

use std::num::NonZeroUsize;
use std::time::Duration;

use sms_core::testing::Fault;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{post, raw};
use crate::world::World;

const SHORT: Duration = Duration::from_millis(50);
/// A time-out that a test does not wait for unless it fails.
const LONG: Duration = Duration::from_secs(60);

fn open(path: &str, header: &str) -> Vec<u8> {
    format!("POST {path} HTTP/1.1\r\nhost: x\r\n{header}\r\n\r\n").into_bytes()
}

#[tokio::test]
async fn a_body_that_says_it_is_too_long_is_413_unread() {
    let world = World::with(|config| config.body_timeout = LONG).await;
    for path in ["/callback", "/callback/main"] {
        let answer = raw(world.address, &open(path, "content-length: 262145")).await;
        assert_eq!(answer.status, 413, "{path}");
    }
}

#[tokio::test]
async fn a_body_that_turns_out_too_long_is_413() {
    let world = World::new().await;
    let mut bytes = open("/callback", "transfer-encoding: chunked");
    for _ in 0..5 {
        bytes.extend_from_slice(b"10000\r\n");
        bytes.extend(std::iter::repeat_n(b' ', 0x10000));
        bytes.extend_from_slice(b"\r\n");
    }
    assert_eq!(raw(world.address, &bytes).await.status, 413);
}

#[tokio::test]
async fn the_longest_body_that_is_allowed_is_read() {
    let world = World::new().await;
    let body = " ".repeat(256 * 1024);
    assert_eq!(post(world.address, "/callback", &body).await.status, 422);
}

#[tokio::test]
async fn whose_body_never_comes_is_asked_to_come_again() {
    let world = World::with(|config| config.body_timeout = SHORT).await;
    for length in ["content-length: 10", "transfer-encoding: chunked"] {
        let answer = raw(world.address, &open("/callback", length)).await;
        assert_eq!(answer.status, 503, "{length}");
        assert_eq!(answer.header("retry-after"), Some("5"), "{length}");
        assert_eq!(answer.header("connection"), Some("close"), "{length}");
    }
}

#[tokio::test]
async fn whose_body_breaks_off_is_asked_to_come_again() {
    let world = World::with(|config| config.body_timeout = LONG).await;
    for length in ["content-length: 10", "transfer-encoding: chunked"] {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        let mut bytes = open("/callback", length);
        bytes.extend_from_slice(b"2\r\n");
        stream.write_all(&bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let answer = answer.to_ascii_lowercase();
        assert!(answer.starts_with("http/1.1 503 "), "{answer}");
        assert!(answer.contains("retry-after: 5"), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut_off() {
    let world = World::with(|config| config.header_timeout = SHORT).await;
    for head in ["", "POST", "POST /callback HTTP/1.1\r\nhost: x\r\nx-slow: "] {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let text = String::from_utf8(answer).unwrap();
        assert!(!text.contains(" 200 "), "{text}");
    }
}

#[tokio::test]
async fn a_head_without_bounds_is_refused() {
    let world = World::with(|config| config.header_timeout = LONG).await;
    let head = format!(
        "POST /callback HTTP/1.1\r\nhost: x\r\nx-long: {}",
        "x".repeat(20_000)
    );
    assert_eq!(raw(world.address, head.as_bytes()).await.status, 431);
}

#[tokio::test]
async fn more_requests_than_allowed_are_503_and_the_others_go_on() {
    let mut world = World::with(|config| {
        config.max_requests = NonZeroUsize::MIN;
        config.store_timeout = LONG;
    })
    .await;
    world.sent().await;
    // The first request has its place as soon as the server asks for its body.
    let mut first = TcpStream::connect(world.address).await.unwrap();
    let head = open(
        "/callback/main",
        "content-length: 15\r\nexpect: 100-continue",
    );
    first.write_all(&head).await.unwrap();
    let mut asked = [0; 25];
    first.read_exact(&mut asked).await.unwrap();
    assert!(asked.starts_with(b"HTTP/1.1 100 "));

    let second = post(world.address, "/callback/main", "own-1 delivered").await;
    assert_eq!(second.status, 503);
    assert!(second.header("retry-after").is_some());

    first.write_all(b"own-1 delivered").await.unwrap();
    let mut answer = [0; 12];
    first.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 202");
    assert_eq!(
        post(world.address, "/callback/main", "own-1 delivered")
            .await
            .status,
        202
    );
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_free_place() {
    let world = World::with(|config| config.max_connections = NonZeroUsize::MIN).await;
    let first = TcpStream::connect(world.address).await.unwrap();
    let address = world.address;
    let waiting = tokio::spawn(async move { post(address, "/callback/main", "").await.status });
    drop(first);
    assert_eq!(waiting.await.unwrap(), 202);
}

#[tokio::test]
async fn one_source_has_no_more_connections_than_its_share() {
    let world = World::with(|config| config.max_connections_per_source = NonZeroUsize::MIN).await;
    let mut first = TcpStream::connect(world.address).await.unwrap();
    // Once it is asked for its body it has its place.
    let head = open(
        "/callback/main",
        "content-length: 1\r\nexpect: 100-continue",
    );
    first.write_all(&head).await.unwrap();
    first.read_exact(&mut [0; 25]).await.unwrap();

    let mut second = TcpStream::connect(world.address).await.unwrap();
    let closed = second.read(&mut [0; 1]).await;
    assert!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");

    drop(first);
    while !answers(&world).await {}
}

/// Whether a connection is served rather than closed at once.
async fn answers(world: &World) -> bool {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let _ = stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await;
    matches!(stream.read(&mut [0; 1]).await, Ok(1))
}

/// A client that has asked for an answer which no buffer between it and the server holds, and
/// reads nothing of it.
async fn unread(world: &World) -> TcpStream {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let head = b"GET /callback/main?long HTTP/1.1\r\nhost: x\r\n\r\n";
    stream.write_all(head).await.unwrap();
    // The answer is on its way.
    stream.readable().await.unwrap();
    stream
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_cut_off() {
    let world = World::with(|config| config.write_timeout = SHORT).await;
    let mut stream = unread(&world).await;
    let cut_off = async {
        while stream.write_all(b"G").await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    };
    let cut_off = tokio::time::timeout(LONG, cut_off).await;
    cut_off.expect("cut off in time");
}

#[tokio::test]
async fn the_end_does_not_wait_for_a_client_that_does_not_read_its_answer() {
    let mut world = World::with(|config| {
        config.write_timeout = LONG * 10;
        config.body_timeout = SHORT;
        config.store_timeout = SHORT;
    })
    .await;
    let _unread = unread(&world).await;
    world.stop();
    world.stopped().await;
}

#[tokio::test]
async fn a_client_that_goes_away_takes_nothing_with_it() {
    let mut world = World::with(|config| config.max_requests = NonZeroUsize::MIN).await;
    world.sent().await;
    for _ in 0..20 {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream
            .write_all(&open("/callback", "content-length: 10"))
            .await
            .unwrap();
        drop(stream);
    }
    // Each of them had the only place; it must come free.
    while post(world.address, "/callback/main", "own-1 delivered")
        .await
        .status
        != 202
    {}
}

#[tokio::test]
async fn a_client_that_has_said_everything_still_gets_its_answer() {
    let mut world = World::new().await;
    world.sent().await;
    world.store.set(Fault::Delay(SHORT));
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let mut bytes = open("/callback/main", "content-length: 15");
    bytes.extend_from_slice(b"own-1 delivered");
    stream.write_all(&bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
}
