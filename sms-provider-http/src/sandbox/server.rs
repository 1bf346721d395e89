//! The sandbox's HTTP server.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sms_core::Secret;
use tokio::net::{TcpListener, TcpStream};

use super::behaviour::{Behaviour, PlannedReport, Response, When};
use super::reporter::{self, Report};
use super::{Shared, dialect};
use crate::megafon::Outgoing;

/// Most bytes of a request: a text of 1000 characters has 4 KB at most, or six times that with
/// every character escaped.
const LONGEST_REQUEST: usize = 64 * 1024;

/// How long to wait after the system refused a connection, usually for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

type Answer = http::Response<Full<Bytes>>;

pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                shared.ledger().connected();
                shared.spawn(connection(stream, Arc::clone(&shared)));
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    // Without it answers are slower, not wrong.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| respond(request, Arc::clone(&shared)));
    // That a connection ends with an error is the client's affair, or asked for.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// An error makes hyper close the connection without an answer.
async fn respond(request: Request<Incoming>, shared: Arc<Shared>) -> io::Result<Answer> {
    if request.uri().path() != dialect::PATH {
        return Ok(empty(StatusCode::NOT_FOUND));
    }
    if request.method() != Method::POST {
        return Ok(empty(StatusCode::METHOD_NOT_ALLOWED));
    }
    if !is_authorized(&request, &shared) {
        return Ok(empty(StatusCode::UNAUTHORIZED));
    }
    let body = match Limited::new(request.into_body(), LONGEST_REQUEST)
        .collect()
        .await
    {
        Ok(body) => body.to_bytes(),
        Err(_) => return Ok(empty(StatusCode::PAYLOAD_TOO_LARGE)),
    };
    match dialect::read(&body) {
        Ok(outgoing) => handle(&outgoing, &body, &shared).await,
        Err(code) => Ok(json(dialect::answer(code, &dialect::id_of(&body)))),
    }
}

fn is_authorized(request: &Request<Incoming>, shared: &Shared) -> bool {
    let config = &shared.config;
    let pair = format!("{}:{}", config.login, config.password.expose());
    let expected = Secret::new(format!("Basic {}", BASE64.encode(pair)));
    request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| expected.matches(value))
}

async fn handle(outgoing: &Outgoing<'_>, body: &[u8], shared: &Arc<Shared>) -> io::Result<Answer> {
    let msg_id = outgoing.msg_id.as_ref();
    let (behaviour, turn) = submitted(outgoing, body, shared);
    if turn == Turn::Taken {
        report(outgoing, behaviour.reports, shared).await;
    }
    answer(behaviour.response, msg_id, turn).await
}

/// What a request does to the books.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The message is taken.
    Taken,
    /// It is not taken and has not been.
    NotTaken,
    /// It has been taken before.
    Known,
}

/// Enters a request into the books, under one lock: two requests at once must not both be the
/// first.
fn submitted(outgoing: &Outgoing<'_>, body: &[u8], shared: &Shared) -> (Behaviour, Turn) {
    let scripted = shared.script().draw();
    let mut ledger = shared.ledger();
    let record = ledger.requested(&outgoing.msg_id, body);
    let behaviour =
        scripted.unwrap_or_else(|| Behaviour::of_text(&outgoing.message, record.requests));
    let turn = if record.takings > 0 && shared.config.deduplicates {
        Turn::Known
    } else if behaviour.takes {
        ledger.took(&outgoing.msg_id);
        Turn::Taken
    } else {
        Turn::NotTaken
    };
    (behaviour, turn)
}

async fn report(outgoing: &Outgoing<'_>, plans: Vec<PlannedReport>, shared: &Arc<Shared>) {
    let Some(url) = &outgoing.callback_url else {
        return;
    };
    for plan in plans {
        let report = Report {
            url: url.to_string(),
            msg_id: outgoing.msg_id.to_string(),
            stat: plan.stat,
        };
        let delay = match plan.when {
            When::BeforeAnswer => {
                reporter::post_once(&report, shared).await;
                continue;
            }
            When::Usual => reporter::usual_delay(&report, &shared.config.report_delay),
            When::After(delay) => delay,
        };
        shared.spawn(reporter::post_after(delay, report, Arc::clone(shared)));
    }
}

async fn answer(response: Response, msg_id: &str, turn: Turn) -> io::Result<Answer> {
    let code = if turn == Turn::Known { 20_102 } else { 0 };
    let taken = || json(dialect::answer(code, msg_id));
    Ok(match response {
        Response::Code(0) => taken(),
        Response::Code(code) => json(dialect::answer(code, msg_id)),
        Response::Status {
            status,
            retry_after,
        } => with_status(status, retry_after),
        Response::Cut => return Err(io::ErrorKind::ConnectionAborted.into()),
        Response::Never => std::future::pending().await,
        Response::After(delay) => {
            tokio::time::sleep(delay).await;
            taken()
        }
        Response::Garbage => json(b"<html>it works!".to_vec()),
        Response::Huge(bytes) => json(vec![b' '; bytes]),
    })
}

fn with_status(status: u16, retry_after: Option<u64>) -> Answer {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = empty(status);
    if let Some(seconds) = retry_after {
        let headers = answer.headers_mut();
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

fn empty(status: StatusCode) -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = status;
    answer
}

fn json(body: Vec<u8>) -> Answer {
    let mut answer = Answer::new(Full::new(body.into()));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
