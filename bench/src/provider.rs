//! The provider: an HTTP server that takes every message at once and remembers when it came.
//!
//! It answers two dialects on one port. `POST /sms` is MegaFon's JSON. `GET /kannel` is what
//! Kannel's HTTP connection asks for. Beside them `/stats`, `/arrivals` and `/reset` serve the
//! load generator. It runs on one thread in its own process, so that its cost can be told from
//! that of a gateway.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, Response, StatusCode, body::Incoming, header::CONTENT_TYPE,
    server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};

use crate::{arrivals::Arrivals, clock::now_us, sample};

/// Path of MegaFon's dialect.
pub(crate) const MEGAFON_PATH: &str = "/sms";
/// Path of Kannel's dialect.
pub(crate) const KANNEL_PATH: &str = "/kannel";

/// What `sms-bench provider` is asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8900")]
    listen: SocketAddr,
}

type Seen = Arc<Mutex<Arrivals>>;

/// Serves until the process is ended.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    println!("provider listens on {}", listener.local_addr()?);
    accept(listener).await
}

async fn accept(listener: TcpListener) -> anyhow::Result<()> {
    let seen = Seen::default();
    loop {
        let (stream, _) = listener.accept().await.context("accept")?;
        note(&seen, Arrivals::connect);
        tokio::spawn(serve(stream, Arc::clone(&seen)));
    }
}

async fn serve(stream: TcpStream, seen: Seen) {
    // A refused option costs latency, nothing else.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let seen = Arc::clone(&seen);
        async move { Ok::<_, Infallible>(answer(request, &seen).await) }
    });
    // A peer that closes or breaks its connection is no concern of the others.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(request: Request<Incoming>, seen: &Seen) -> Response<Full<Bytes>> {
    match (request.method(), request.uri().path()) {
        (&Method::POST, MEGAFON_PATH) => take_megafon(request, seen).await,
        (&Method::GET, KANNEL_PATH) => take_kannel(&request, seen),
        (&Method::GET, "/stats") => json(&note(seen, |all| all.stats().clone())),
        (&Method::GET, "/arrivals") => json(&note(seen, |all| all.first_us().to_vec())),
        (&Method::POST, "/reset") => json(&note(seen, Arrivals::reset)),
        _ => plain(StatusCode::NOT_FOUND, "no such path"),
    }
}

#[derive(Deserialize)]
struct MegafonMessage<'a> {
    #[serde(borrow)]
    message: std::borrow::Cow<'a, str>,
    #[serde(borrow, default)]
    msg_id: Option<std::borrow::Cow<'a, str>>,
}

async fn take_megafon(request: Request<Incoming>, seen: &Seen) -> Response<Full<Bytes>> {
    let Ok(body) = request.into_body().collect().await else {
        return plain(StatusCode::BAD_REQUEST, "the body broke off");
    };
    let body = body.to_bytes();
    let Ok(message) = serde_json::from_slice::<MegafonMessage<'_>>(&body) else {
        return plain(StatusCode::BAD_REQUEST, "not a MegaFon message");
    };
    let number = sample::number(&message.message);
    note(seen, |all| all.take(number, now_us()));
    // Without a client's id the platform makes one.
    let id = message.msg_id.unwrap_or_else(|| message.message.clone());
    json(&serde_json::json!({
        "result": { "status": { "code": 0, "description": "ok" }, "msg_id": id }
    }))
}

fn take_kannel(request: &Request<Incoming>, seen: &Seen) -> Response<Full<Bytes>> {
    let number = request
        .uri()
        .query()
        .and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("text=")))
        .and_then(sample::number);
    note(seen, |all| all.take(number, now_us()));
    plain(StatusCode::ACCEPTED, "0: Accepted for delivery")
}

fn note<T>(seen: &Seen, act: impl FnOnce(&mut Arrivals) -> T) -> T {
    act(&mut seen.lock().unwrap_or_else(PoisonError::into_inner))
}

fn json(value: &impl Serialize) -> Response<Full<Bytes>> {
    match serde_json::to_vec(value) {
        Ok(body) => with_type(StatusCode::OK, "application/json", body.into()),
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "not serializable"),
    }
}

fn plain(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    with_type(status, "text/plain", Bytes::from_static(body.as_bytes()))
}

fn with_type(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::{arrivals::Stats, sink::Sink};

    async fn started() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(accept(listener));
        address
    }

    /// Writes a request as it would go over the wire and reads all of the answer.
    async fn exchange(address: SocketAddr, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let length = body.len();
        let request = format!(
            "{head} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_megafon_message_is_answered_with_its_id_and_counted() {
        let address = started().await;
        let body = r#"{"from":"Bench","to":79160000002,"message":"bench 0000002","msg_id":"m2"}"#;
        let answer = exchange(address, "POST /sms", body).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(
            answer.contains(r#""code":0"#) && answer.contains(r#""msg_id":"m2""#),
            "{answer}"
        );
        let arrivals = Sink::new(address).arrivals().await.unwrap();
        assert_eq!((arrivals.len(), arrivals[0], arrivals[1]), (3, 0, 0));
        assert!(arrivals[2] > 0);
    }

    #[tokio::test]
    async fn a_kannel_message_is_answered_with_0_and_counted() {
        let address = started().await;
        let answer = exchange(address, "GET /kannel?to=7916&text=bench+0000005", "").await;
        assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
        assert!(answer.ends_with("0: Accepted for delivery"), "{answer}");
        assert_eq!(Sink::new(address).stats().await.unwrap().distinct, 1);
    }

    #[tokio::test]
    async fn what_is_no_message_is_refused_and_not_counted() {
        let address = started().await;
        let answer = exchange(address, "POST /sms", "{").await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert_eq!(Sink::new(address).stats().await.unwrap().taken, 0);
    }

    #[tokio::test]
    async fn a_reset_forgets_messages() {
        let address = started().await;
        exchange(address, "GET /kannel?text=bench+1", "").await;
        let mut sink = Sink::new(address);
        sink.reset().await.unwrap();
        let expected = Stats {
            connections: 2,
            ..Stats::default()
        };
        assert_eq!(sink.stats().await.unwrap(), expected);
    }
}
