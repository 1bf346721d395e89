//! Reaching the server.

use std::time::Duration;

use sms_grpc::proto::v1 as wire;
use sms_grpc::proto::v1::message_service_client::MessageServiceClient;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Streaming};

use super::refusal;
use crate::args::{Cli, Connection};
use crate::config;
use crate::failure::Failure;
use crate::reachable::reachable;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one question may take; watching has no end.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Where the server is, and how it is spoken to.
pub(crate) struct Target {
    url: String,
    key: Option<MetadataValue<Ascii>>,
    ca: Option<Certificate>,
}

impl Target {
    /// As the command line says, else as the configuration says.
    pub(crate) fn of(cli: &Cli, connection: &Connection) -> Result<Self, Failure> {
        let url = match &connection.server {
            Some(server) => with_scheme(server),
            None => configured(cli)?,
        };
        let ca = match &connection.ca {
            Some(path) => Some(std::fs::read(path).map_err(|error| {
                Failure::new(format!("--ca: {} cannot be read: {error}", path.display()))
            })?),
            None => None,
        };
        Ok(Self {
            url,
            key: connection.api_key.as_deref().map(bearer).transpose()?,
            ca: ca.map(Certificate::from_pem),
        })
    }
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
        let mut endpoint = Endpoint::from_shared(target.url.clone())
            .map_err(|_| {
                Failure::usage(format!(
                    "--server: {} is no address: write for instance http://127.0.0.1:50051",
                    target.url
                ))
            })?
            .connect_timeout(CONNECT_TIMEOUT);
        if target.url.starts_with("https://") {
            let tls = match target.ca.clone() {
                Some(ca) => ClientTlsConfig::new().ca_certificate(ca),
                None => ClientTlsConfig::new().with_native_roots(),
            };
            endpoint = endpoint.tls_config(tls).map_err(refuse)?;
        }
        let channel = endpoint.connect().await.map_err(refuse)?;
        Ok(Self {
            api: MessageServiceClient::new(channel),
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
        request: wire::SendMessageRequest,
    ) -> Result<wire::SendMessageResponse, Failure> {
        let request = self.question(request);
        let sent = self.api.send_message(request).await;
        sent.map(tonic::Response::into_inner)
            .map_err(|s| refusal::explain(&s))
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
    use super::*;

    #[test]
    fn an_address_without_scheme_is_plain_http() {
        assert_eq!(with_scheme("host:1"), "http://host:1");
        assert_eq!(with_scheme("https://host:1"), "https://host:1");
    }
}
