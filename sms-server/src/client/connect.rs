//! Reaching the server.

use std::path::Path;
use std::time::Duration;

use sms_grpc::proto::v1 as wire;
use sms_grpc::proto::v1::message_service_client::MessageServiceClient;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Request, Streaming};

use super::refusal;
use super::request::Sending;
use crate::args::{Cli, Connection};
use crate::config;
use crate::failure::{Failure, chain};
use crate::reachable::reachable;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one question may take; watching has no end.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// While an answer is awaited, a server that says nothing is asked for a sign of life this often,
/// and given up when none comes: a machine that vanished does not close its connections.
const PING_INTERVAL: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer. Far more than a page of messages takes, which the server keeps below 4 MiB.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// Where the server is, and how it is spoken to.
pub(crate) struct Target {
    url: String,
    key: Option<MetadataValue<Ascii>>,
    ca: Option<Certificate>,
    identity: Option<Identity>,
}

impl Target {
    /// As the command line says, else as the configuration says.
    pub(crate) fn of(cli: &Cli, connection: &Connection) -> Result<Self, Failure> {
        let url = match &connection.server {
            Some(server) => with_scheme(server),
            None => configured(cli)?,
        };
        let ca = read("--ca", connection.ca.as_deref())?;
        let cert = read("--cert", connection.cert.as_deref())?;
        let key = read("--tls-key", connection.tls_key.as_deref())?;
        let identity = cert.zip(key);
        Ok(Self {
            url,
            key: connection.api_key.as_deref().map(bearer).transpose()?,
            ca: ca.map(Certificate::from_pem),
            identity: identity.map(|(cert, key)| Identity::from_pem(cert, key)),
        })
    }

    fn endpoint(&self) -> Result<Endpoint, Failure> {
        let endpoint = Endpoint::from_shared(self.url.clone())
            .map_err(|_| {
                Failure::usage(format!(
                    "--server: {} is no address: write for instance http://127.0.0.1:50051",
                    self.url
                ))
            })?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT);
        if !self.url.starts_with("https://") {
            return Ok(endpoint);
        }
        endpoint.tls_config(self.tls()).map_err(|error| {
            let cause = chain(&error);
            Failure::new(format!("--ca, --cert or --tls-key: is no good: {cause}"))
        })
    }

    fn tls(&self) -> ClientTlsConfig {
        let tls = match self.ca.clone() {
            Some(ca) => ClientTlsConfig::new().ca_certificate(ca),
            None => ClientTlsConfig::new().with_native_roots(),
        };
        match self.identity.clone() {
            Some(identity) => tls.identity(identity),
            None => tls,
        }
    }
}

fn read(option: &str, path: Option<&Path>) -> Result<Option<Vec<u8>>, Failure> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|error| {
            let path = path.display();
            Failure::new(format!("{option}: {path} cannot be read: {error}"))
        })
    };
    path.map(read).transpose()
}

fn bearer(key: &str) -> Result<MetadataValue<Ascii>, Failure> {
    let refuse =
        |_| Failure::usage("the API key has characters that no key has; was it copied whole?");
    let mut value: MetadataValue<Ascii> =
        format!("Bearer {}", key.trim()).parse().map_err(refuse)?;
    value.set_sensitive(true);
    Ok(value)
}

fn with_scheme(server: &str) -> String {
    match server.contains("://") {
        true => server.to_owned(),
        false => format!("http://{server}"),
    }
}

fn configured(cli: &Cli) -> Result<String, Failure> {
    let loaded = config::load(cli.config.as_deref(), std::env::vars_os())?;
    let grpc = &loaded.config.grpc;
    let scheme = if grpc.tls.is_some() { "https" } else { "http" };
    Ok(format!("{scheme}://{}", reachable(grpc.listen)))
}

/// A connection to a server.
#[derive(Clone)]
pub(crate) struct Client {
    api: MessageServiceClient<Channel>,
    key: Option<MetadataValue<Ascii>>,
}

impl Client {
    /// Connects.
    pub(crate) async fn connect(target: Target) -> Result<Self, Failure> {
        let refuse = |error: tonic::transport::Error| refusal::unreachable(&target.url, &error);
        let channel = target.endpoint()?.connect().await.map_err(refuse)?;
        Ok(Self {
            api: MessageServiceClient::new(channel).max_decoding_message_size(LARGEST_ANSWER),
            key: target.key,
        })
    }

    fn request<T>(&self, body: T) -> Request<T> {
        let mut request = Request::new(body);
        if let Some(key) = &self.key {
            request.metadata_mut().insert("authorization", key.clone());
        }
        request
    }

    fn question<T>(&self, body: T) -> Request<T> {
        let mut request = self.request(body);
        request.set_timeout(CALL_TIMEOUT);
        request
    }

    pub(crate) async fn send(
        &mut self,
        Sending { request, repeat }: Sending,
    ) -> Result<wire::SendMessageResponse, Failure> {
        let request = self.question(request);
        let sent = self.api.send_message(request).await;
        sent.map(tonic::Response::into_inner)
            .map_err(|status| refusal::of_sending(&status, &repeat))
    }

    pub(crate) async fn get(&mut self, id: &str) -> Result<wire::Message, Failure> {
        let request = self.question(wire::GetMessageRequest { id: id.to_owned() });
        let got = self.api.get_message(request).await;
        got.map(tonic::Response::into_inner)
            .map_err(|s| refusal::explain(&s))
    }

    pub(crate) async fn cancel(&mut self, id: &str) -> Result<wire::Message, Failure> {
        let request = self.question(wire::CancelMessageRequest { id: id.to_owned() });
        let canceled = self.api.cancel_message(request).await;
        canceled
            .map(tonic::Response::into_inner)
            .map_err(|s| refusal::explain(&s))
    }

    pub(crate) async fn list(
        &mut self,
        request: wire::ListMessagesRequest,
    ) -> Result<wire::ListMessagesResponse, Failure> {
        let request = self.question(request);
        let listed = self.api.list_messages(request).await;
        listed
            .map(tonic::Response::into_inner)
            .map_err(|s| refusal::explain(&s))
    }

    pub(crate) async fn preview(
        &mut self,
        request: wire::SendMessageRequest,
    ) -> Result<wire::PreviewMessageResponse, Failure> {
        let request = self.question(wire::PreviewMessageRequest {
            request: Some(request),
        });
        let previewed = self.api.preview_message(request).await;
        previewed
            .map(tonic::Response::into_inner)
            .map_err(|s| refusal::explain(&s))
    }

    /// Follows a message. The status is left as it is, for the caller to see whether it passes.
    pub(crate) async fn watch(
        &mut self,
        id: &str,
    ) -> Result<Streaming<wire::Message>, tonic::Status> {
        let request = self.request(wire::WatchMessageRequest { id: id.to_owned() });
        Ok(self.api.watch_message(request).await?.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// A machine that takes one connection, speaks HTTP/2 for a moment, and is then gone without
    /// closing it.
    fn vanishing() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // SETTINGS without a setting, and the acknowledgement of the client's.
            let frames = [[0, 0, 0, 4, 0, 0, 0, 0, 0], [0, 0, 0, 4, 1, 0, 0, 0, 0]];
            stream.write_all(frames.as_flattened()).unwrap();
            while stream.read(&mut [0; 1024]).is_ok_and(|length| length > 0) {}
        });
        format!("http://{address}")
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_ends_when_the_machine_of_the_server_vanishes() {
        let target = Target {
            url: vanishing(),
            key: None,
            ca: None,
            identity: None,
        };
        let mut client = Client::connect(target).await.unwrap();
        let watching = client.watch("018f4e9a-7c1b-7abc-8def-0123456789ab");
        let an_hour = Duration::from_secs(3_600);
        let ended = tokio::time::timeout(an_hour, watching).await;
        let status = ended.expect("it does not wait for ever").unwrap_err();
        // Which `follow` takes as a server that went away.
        assert_eq!(status.code(), tonic::Code::Unavailable, "{status:?}");
    }

    #[test]
    fn an_address_without_scheme_is_plain_http() {
        assert_eq!(with_scheme("host:1"), "http://host:1");
        assert_eq!(with_scheme("https://host:1"), "https://host:1");
    }
}
