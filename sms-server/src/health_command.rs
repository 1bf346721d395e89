//! `sms health`: what the probes would hear. For images that have no other program to ask with.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;

use crate::args::{Cli, HealthArgs};
use crate::config;
use crate::failure::{Failure, chain};
use crate::output;
use crate::reachable::reachable;

/// Longer than the server waits for its store.
const PATIENCE: Duration = Duration::from_secs(5);
/// The answer is a line or two.
const LONGEST_ANSWER: usize = 16 * 1024;

/// Runs the command.
pub(crate) async fn run(cli: &Cli, args: &HealthArgs) -> Result<(), Failure> {
    let admin = match args.admin {
        Some(admin) => admin,
        None => {
            config::load(cli.config.as_deref(), std::env::vars_os())?
                .config
                .admin
                .listen
        }
    };
    let path = if args.live { "/livez" } else { "/readyz" };
    let url = format!("http://{}{path}", reachable(admin));
    let asked = tokio::time::timeout(PATIENCE, ask(reachable(admin), path)).await;
    let (status, words) = match asked {
        Ok(Ok(answer)) => answer,
        Ok(Err(problem)) => {
            return Err(Failure::new(format!(
                "{url}: {problem}: does `sms serve` run, and is this its `admin.listen`?"
            )));
        }
        Err(_) => {
            let seconds = PATIENCE.as_secs();
            return Err(Failure::new(format!("{url}: no answer within {seconds} s")));
        }
    };
    let words = words.trim_end();
    if cli.json {
        output::line(&json!({ "ok": status.is_success(), "says": words }).to_string())?;
    }
    match status {
        StatusCode::OK if cli.json => Ok(()),
        StatusCode::OK => output::line(words),
        // From a server of ours.
        StatusCode::SERVICE_UNAVAILABLE => Err(Failure::new(words)),
        other => Err(Failure::new(format!(
            "{url}: answered {other}: is it `sms serve` that listens there?"
        ))),
    }
}

async fn ask(address: SocketAddr, path: &str) -> Result<(StatusCode, String), String> {
    let refused = |error: &dyn std::error::Error| chain(error);
    let stream = TcpStream::connect(address).await;
    let stream = TokioIo::new(stream.map_err(|error| refused(&error))?);
    let (mut sender, connection) = http1::handshake(stream)
        .await
        .map_err(|error| refused(&error))?;
    let connection = tokio::spawn(connection);
    let request = Request::get(path)
        .header(HOST, address.to_string())
        .body(Empty::<Bytes>::new())
        .map_err(|error| refused(&error))?;
    let answer = sender.send_request(request).await;
    let answer = answer.map_err(|error| refused(&error))?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), LONGEST_ANSWER).collect();
    let body = body.await.map_err(|error| refused(error.as_ref()))?;
    connection.abort();
    Ok((
        status,
        String::from_utf8_lossy(&body.to_bytes()).into_owned(),
    ))
}
