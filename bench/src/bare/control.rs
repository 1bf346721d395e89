//! Orders: so many messages, now.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::Accepting;
use crate::{
    load::{self, Volume},
    target::Caller,
};

/// Where orders are posted.
pub(crate) const SEND_PATH: &str = "/send";

struct Control {
    accepting: Accepting,
    orders: AtomicUsize,
}

pub(super) async fn serve(listen: SocketAddr, accepting: Accepting) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}"))?;
    println!("takes orders on {}", listener.local_addr()?);
    let orders = AtomicUsize::new(0);
    let control = Arc::new(Control { accepting, orders });
    loop {
        let (stream, _) = listener.accept().await.context("accept")?;
        let control = Arc::clone(&control);
        let service = service_fn(move |request| {
            let control = Arc::clone(&control);
            async move { Ok::<_, Infallible>(control.answer(request).await) }
        });
        let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(serving);
    }
}

impl Control {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (status, body) = match (request.method(), request.uri().path()) {
            (&Method::POST, SEND_PATH) => match self.send(request).await {
                Ok(sent) => (StatusCode::OK, sent),
                Err(error) => (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    format!("{error:#}\n").into(),
                ),
            },
            (&Method::GET, "/") => (StatusCode::OK, Vec::new()),
            _ => (StatusCode::NOT_FOUND, Vec::new()),
        };
        let mut response = Response::new(Full::from(body));
        *response.status_mut() = status;
        response
    }

    async fn send(&self, request: Request<Incoming>) -> anyhow::Result<Vec<u8>> {
        let body = request.into_body().collect().await?.to_bytes();
        let volume: Volume = serde_json::from_slice(&body).context("not an order")?;
        let order = self.orders.fetch_add(1, Ordering::Relaxed);
        let accepting = self.accepting.of_order(order);
        let caller = || Caller::Bare(accepting.clone());
        let mut callers = std::iter::repeat_with(caller)
            .take(volume.callers)
            .collect();
        let sent = load::send(&mut callers, &volume, 0).await?;
        Ok(serde_json::to_vec(&sent)?)
    }
}
