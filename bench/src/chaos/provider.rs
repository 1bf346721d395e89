//! A provider that misbehaves, by a seed.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash as _, Hasher as _},
    io,
    net::SocketAddr,
    time::Duration,
};

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, StatusCode, body::Incoming, header::RETRY_AFTER, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use super::{
    config::TIMEOUT,
    dice::Dice,
    ledger::{Call, Ledger, Taken},
    manner::{Desk, Manner},
    reporter::{Address, Reporter},
};
use crate::sample;

/// Paths of the two desks.
pub(super) const ONCE_PATH: &str = "/once";
pub(super) const PLAIN_PATH: &str = "/plain";

/// After the caller's time-out and long before the end of its lease.
const LATE: Duration = TIMEOUT.saturating_mul(2);
/// Longer than any caller waits.
const HANGING: Duration = TIMEOUT.saturating_mul(8);

/// What each connection needs.
#[derive(Clone, Debug)]
struct Provider {
    dice: Dice,
    ledger: Ledger,
    reporter: Reporter,
}

/// Serves until the runtime ends.
pub(super) async fn start(
    dice: Dice,
    ledger: Ledger,
    delivery: SocketAddr,
) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.context("no port for the provider")?;
    let address = listener.local_addr()?;
    let provider = Provider {
        dice,
        reporter: Reporter::new(dice, ledger.clone(), delivery),
        ledger,
    };
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, provider.clone()));
        }
    });
    Ok(address)
}

async fn serve(stream: TcpStream, provider: Provider) {
    let service = service_fn(move |request| {
        let provider = provider.clone();
        async move { provider.answer(request).await }
    });
    // A peer that closes or breaks its connection is no concern of the others.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// A message as both desks read it.
#[derive(Deserialize)]
struct Outgoing {
    message: String,
    msg_id: String,
    #[serde(default)]
    callback_url: Option<String>,
}

type Answer = Response<Full<Bytes>>;

impl Provider {
    /// An error closes the connection without an answer.
    async fn answer(&self, request: Request<Incoming>) -> io::Result<Answer> {
        let desk = match request.uri().path() {
            ONCE_PATH => Desk::Once,
            PLAIN_PATH => Desk::Plain,
            _ => return Ok(plain(StatusCode::NOT_FOUND, "no such path")),
        };
        // What broke off was not taken.
        let body = request
            .into_body()
            .collect()
            .await
            .map_err(io::Error::other)?;
        let body = body.to_bytes();
        let Ok(outgoing) = serde_json::from_slice::<Outgoing>(&body) else {
            return Ok(plain(StatusCode::BAD_REQUEST, "not a message"));
        };
        let Some(number) = sample::number(&outgoing.message) else {
            return Ok(plain(StatusCode::BAD_REQUEST, "not a message of this run"));
        };
        let nth = self.ledger.count(desk, &outgoing.msg_id);
        let manner = Manner::draw(self.dice, number as u64, nth);
        let entry = self.ledger.note(Call {
            at: self.ledger.now(),
            desk,
            reference: outgoing.msg_id.clone(),
            body: digest(&body),
            manner,
            taken: None,
        });
        let provider = self.clone();
        // The caller may go away while this is under way; what was begun goes on.
        let treated = tokio::spawn(async move {
            provider
                .treat(desk, manner, entry, number as u64, outgoing)
                .await
        });
        treated.await.map_err(io::Error::other)?
    }

    async fn treat(
        &self,
        desk: Desk,
        manner: Manner,
        entry: usize,
        number: u64,
        outgoing: Outgoing,
    ) -> io::Result<Answer> {
        match manner {
            Manner::Takes => {
                let taken = self.take(entry, number, outgoing).await;
                Ok(accepted(desk, &taken))
            }
            Manner::TakesLate => {
                tokio::time::sleep(LATE).await;
                let taken = self.take(entry, number, outgoing).await;
                Ok(accepted(desk, &taken))
            }
            Manner::AnswersLate => {
                let taken = self.take(entry, number, outgoing).await;
                tokio::time::sleep(LATE).await;
                Ok(accepted(desk, &taken))
            }
            Manner::TakesAndCuts => {
                self.take(entry, number, outgoing).await;
                Err(io::Error::other("cut"))
            }
            Manner::Cuts => Err(io::Error::other("cut")),
            Manner::TakesAndGarbles => {
                self.take(entry, number, outgoing).await;
                Ok(garbled())
            }
            Manner::Garbles => Ok(garbled()),
            Manner::Hangs => {
                tokio::time::sleep(HANGING).await;
                Err(io::Error::other("hung up"))
            }
            Manner::Refuses => Ok(verdict(desk, 11, "refused", "")),
            Manner::Throttles => Ok(after_a_second(verdict(desk, 88, "slow_down", ""))),
            Manner::Unavailable => Ok(verdict(desk, 8, "maintenance", "")),
        }
    }

    async fn take(&self, entry: usize, number: u64, outgoing: Outgoing) -> Taken {
        let taken = self.ledger.take(entry);
        if !taken.repeated {
            let address = Address {
                reference: outgoing.msg_id,
                provider_id: taken.provider_id.clone(),
                callback: outgoing.callback_url,
            };
            self.reporter.taken(number, address).await;
        }
        taken
    }
}

fn accepted(desk: Desk, taken: &Taken) -> Answer {
    let code = if taken.repeated { 20_102 } else { 0 };
    verdict(desk, code, "queued", &taken.provider_id)
}

/// The once desk speaks in codes, the plain one in words.
fn verdict(desk: Desk, code: u32, word: &str, provider_id: &str) -> Answer {
    let body = match desk {
        Desk::Once => json!({ "result": { "status": { "code": code }, "msg_id": provider_id } }),
        Desk::Plain => json!({ "status": word, "id": provider_id }),
    };
    Response::new(Full::new(body.to_string().into()))
}

fn after_a_second(mut answer: Answer) -> Answer {
    let headers = answer.headers_mut();
    headers.insert(RETRY_AFTER, hyper::header::HeaderValue::from_static("1"));
    answer
}

fn garbled() -> Answer {
    plain(StatusCode::OK, "<html>Something went wr")
}

fn plain(status: StatusCode, body: &'static str) -> Answer {
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    response
}

fn digest(body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hasher.finish()
}
