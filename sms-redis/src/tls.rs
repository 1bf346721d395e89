//! Encrypted connections.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_rustls::TlsConnector;

use crate::ConnectError;

/// TLS by rustls with ring; the system's certificates, and those of a file.
pub(crate) fn connector(ca_file: Option<&Path>) -> Result<TlsConnector, ConnectError> {
    let problem = |problem: String| ConnectError::Option {
        key: "ca_file".to_owned(),
        problem,
    };
    let roots: Vec<CertificateDer<'static>> = match ca_file {
        None => Vec::new(),
        Some(path) => CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect)
            .map_err(|error| problem(format!("{} cannot be read: {error}", path.display())))?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        rustls_platform_verifier::Verifier::new_with_extra_roots(roots, Arc::clone(&provider))
            .map_err(|error| problem(format!("no certificates can be trusted: {error}")))?;
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| problem(format!("TLS is not available in this build: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
