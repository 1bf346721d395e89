//! The ways to hand one message to a gateway.

use std::{net::SocketAddr, str::FromStr};

use anyhow::{Context as _, bail};
use hyper::{Method, StatusCode};
use sms_grpc::proto::legacy::{MessageId, SmsMessage, sms_service_client::SmsServiceClient};
use tonic::transport::{Channel, Endpoint};

use crate::{bare, http::Connection, load::Volume, sample};

/// User and password of Kannel's send interface, as `system/kannel.rs` configures it.
pub(crate) const KANNEL_USER: &str = "bench";

/// Which interface of which gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// Kannel's smsbox: `GET /cgi-bin/sendsms`.
    Kannel,
    /// `SMSService/SendMessage`, the older wire contract of `sms serve`.
    Grpc,
}

/// A gateway's interface and where it listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) kind: Kind,
    pub(crate) address: SocketAddr,
}

/// One caller's own way to the gateway. Kept between messages.
#[derive(Debug)]
pub(crate) enum Caller {
    Kannel(Connection),
    Grpc(SmsServiceClient<Channel>),
    /// The bare program, in its own process.
    Bare(bare::Accepting),
}

impl Target {
    /// The callers of a load. Those of gRPC have open connections; those of Kannel open theirs
    /// with the first message, and have one each whatever is asked for, because HTTP/1.1 has no
    /// two requests at once on one connection.
    pub(crate) async fn callers(&self, volume: &Volume) -> anyhow::Result<Vec<Caller>> {
        let count = volume.callers;
        match self.kind {
            Kind::Kannel => Ok((0..count)
                .map(|_| Caller::Kannel(Connection::new(self.address)))
                .collect()),
            Kind::Grpc => {
                let connections = volume.connections.clamp(1, count.max(1));
                let channels = channels(self.address, connections).await?;
                Ok(channels
                    .iter()
                    .cycle()
                    .take(count)
                    .map(|channel| Caller::Grpc(SmsServiceClient::new(channel.clone())))
                    .collect())
            }
        }
    }
}

async fn channels(address: SocketAddr, count: usize) -> anyhow::Result<Vec<Channel>> {
    let endpoint = Endpoint::from_str(&format!("http://{address}"))?.tcp_nodelay(true);
    let mut channels = Vec::with_capacity(count);
    for _ in 0..count {
        let channel = endpoint.connect().await;
        channels.push(channel.with_context(|| format!("cannot connect to {address}"))?);
    }
    Ok(channels)
}

impl Caller {
    /// Hands message `n` over and returns once the gateway has accepted it, with the id if the
    /// gateway gives one.
    pub(crate) async fn send(&mut self, n: usize, length: usize) -> anyhow::Result<Option<String>> {
        let text = sample::text(n, length);
        match self {
            Self::Kannel(connection) => send_kannel(connection, n, &text).await.map(|()| None),
            Self::Bare(accepting) => accepting.send(n, &text).await.map(|()| None),
            Self::Grpc(client) => {
                let message = SmsMessage {
                    mobile_number: sample::recipient(n),
                    message: text,
                };
                let answer = client.send_message(message).await?;
                Ok(Some(answer.into_inner().uuid))
            }
        }
    }
}

/// Asks `sms serve` for the status of one message: 0 once the provider has taken it.
pub(crate) async fn status(caller: &mut Caller, id: &str) -> anyhow::Result<i32> {
    let Caller::Grpc(client) = caller else {
        bail!("only `sms serve` answers questions about a message");
    };
    let question = MessageId {
        uuid: id.to_owned(),
    };
    Ok(client.get_message_status(question).await?.into_inner().code)
}

async fn send_kannel(connection: &mut Connection, n: usize, text: &str) -> anyhow::Result<()> {
    let path = format!(
        "/cgi-bin/sendsms?username={KANNEL_USER}&password={KANNEL_USER}&to={}&text={}",
        sample::recipient(n),
        text.replace(' ', "+"),
    );
    let (status, body) = connection.ask(Method::GET, &path).await?;
    // 202 and a text that begins with 0 is "accepted"; 3 is "queued for later", not wanted here.
    if status != StatusCode::ACCEPTED || !body.starts_with(b"0:") {
        bail!(
            "Kannel answered {status}: {}",
            String::from_utf8_lossy(&body)
        );
    }
    Ok(())
}
