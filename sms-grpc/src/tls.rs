//! TLS from files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use rustls::{ConfigBuilder, RootCertStore, WantsVerifier, server::WantsServerCert};
use tokio_rustls::TlsAcceptor;

use crate::config::TlsFiles;

/// A file for TLS cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("grpc.tls.{key}: {} {problem}", path.display())]
pub(crate) struct TlsError {
    key: &'static str,
    path: PathBuf,
    problem: &'static str,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Reads the files.
pub(crate) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let certificates = certificates("cert", &files.cert)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| {
        cannot_read("key", &files.key, "holds no private key in PEM form", error)
    })?;
    let mut config = clients(files)?
        .with_single_cert(certificates, key)
        .map_err(|error| TlsError {
            key: "key",
            path: files.key.clone(),
            problem: "is not the key of the certificate in grpc.tls.cert",
            source: Some(error.into()),
        })?;
    // gRPC speaks HTTP/2 and nothing else.
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// What is asked of clients.
fn clients(files: &TlsFiles) -> Result<ConfigBuilder<ServerConfig, WantsServerCert>, TlsError> {
    let builder = builder();
    let Some(path) = &files.client_ca else {
        return Ok(builder.with_no_client_auth());
    };
    let refuse = |source| TlsError {
        key: "client_ca",
        path: path.clone(),
        problem: "holds a certificate that cannot vouch for clients",
        source: Some(source),
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates("client_ca", path)? {
        roots
            .add(certificate)
            .map_err(|error| refuse(error.into()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| refuse(error.into()))?;
    Ok(builder.with_client_cert_verifier(verifier))
}

fn builder() -> ConfigBuilder<ServerConfig, WantsVerifier> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider supports the versions that it was built with")
}

fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let none = "holds no certificate in PEM form";
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| cannot_read(key, path, none, error))?;
    if certificates.is_empty() {
        return Err(TlsError {
            key,
            path: path.to_owned(),
            problem: none,
            source: None,
        });
    }
    Ok(certificates)
}

fn cannot_read(
    key: &'static str,
    path: &Path,
    malformed: &'static str,
    error: rustls::pki_types::pem::Error,
) -> TlsError {
    let unreadable = matches!(error, rustls::pki_types::pem::Error::Io(_));
    TlsError {
        key,
        path: path.to_owned(),
        problem: if unreadable {
            "cannot be read"
        } else {
            malformed
        },
        source: Some(error.into()),
    }
}
