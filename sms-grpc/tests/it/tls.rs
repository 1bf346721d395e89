//! TLS, one-sided and mutual, with certificates made for the test.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use sms_grpc::TlsFiles;
use sms_grpc::proto::v1::message_service_client::MessageServiceClient;
use tempfile::TempDir;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Error, Identity};

use crate::server::{Server, Setup, to_send};

/// An authority, a server's certificate and a client's, as files.
pub(crate) struct Files {
    folder: TempDir,
}

impl Files {
    pub(crate) fn make() -> Self {
        let files = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        files.write("ca.pem", &ca.pem());
        for name in ["server", "client"] {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
            let certificate = params.signed_by(&key, &ca).unwrap();
            files.write(&format!("{name}.pem"), &certificate.pem());
            files.write(&format!("{name}.key"), &key.serialize_pem());
        }
        files
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The server proves who it is.
    pub(crate) fn server(&self) -> TlsFiles {
        TlsFiles {
            cert: self.path("server.pem"),
            key: self.path("server.key"),
            client_ca: None,
        }
    }

    /// Both do.
    pub(crate) fn mutual(&self) -> TlsFiles {
        TlsFiles {
            client_ca: Some(self.path("ca.pem")),
            ..self.server()
        }
    }

    fn client(&self) -> ClientTlsConfig {
        ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(self.read("ca.pem")))
            .domain_name("localhost")
    }

    fn client_with_certificate(&self) -> ClientTlsConfig {
        let identity = Identity::from_pem(self.read("client.pem"), self.read("client.key"));
        self.client().identity(identity)
    }
}

fn server(tls: TlsFiles) -> Server {
    Setup::configure(|config| config.tls = Some(tls)).start()
}

async fn connect(server: &Server, tls: ClientTlsConfig) -> Result<Channel, Error> {
    let address = format!("https://{}", server.address);
    let endpoint = Endpoint::from_shared(address).unwrap().tls_config(tls)?;
    endpoint.connect().await
}

/// Whether a message can be sent so.
async fn sends(server: &Server, tls: ClientTlsConfig) -> bool {
    match connect(server, tls).await {
        // With TLS 1.3 a client learns only at its first call that its certificate was refused.
        Ok(channel) => {
            let mut client = MessageServiceClient::new(channel);
            client.send_message(to_send()).await.is_ok()
        }
        Err(_) => false,
    }
}

#[tokio::test]
async fn a_client_that_trusts_the_authority_is_served() {
    let files = Files::make();
    let server = server(files.server());
    assert!(sends(&server, files.client()).await);
}

#[tokio::test]
async fn a_client_that_trusts_another_authority_goes_away() {
    let server = server(Files::make().server());
    assert!(!sends(&server, Files::make().client()).await);
}

#[tokio::test]
async fn plain_text_is_not_understood() {
    let server = server(Files::make().server());
    let address = format!("http://{}", server.address);
    let channel = Endpoint::from_shared(address).unwrap().connect_lazy();
    let sent = MessageServiceClient::new(channel)
        .send_message(to_send())
        .await;
    assert!(sent.is_err());
}

#[tokio::test]
async fn where_clients_need_certificates_only_those_with_one_are_served() {
    let files = Files::make();
    let server = server(files.mutual());
    assert!(sends(&server, files.client_with_certificate()).await);
    assert!(!sends(&server, files.client()).await);
    let strangers = Files::make();
    let identity = Identity::from_pem(strangers.read("client.pem"), strangers.read("client.key"));
    assert!(!sends(&server, files.client().identity(identity)).await);
}
