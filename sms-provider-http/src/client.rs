//! The one HTTP client that all providers share.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use reqwest::{Request, Response, redirect, retry};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;
use sms_core::Secret;

use crate::ConfigError;
use crate::failure::Failure;

/// Most bytes of an answer that are read. The largest answer to a single message that any known
/// provider gives is under 4 KiB.
const LONGEST_ANSWER: usize = 64 * 1024;

/// How much earlier than a provider's time-out a request is given up, so that the answer is there
/// before whoever waits for it stops waiting.
const LEEWAY: Duration = Duration::from_millis(100);

/// How the shared client connects. Every key may be left out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSettings {
    /// How long connecting may take, name look-up and TLS included. Must be shorter than every
    /// provider's time-out, because only then does a failure to connect look different from a
    /// lost answer. Default: 3 s.
    #[serde(with = "sms_core::duration")]
    pub connect_timeout: Duration,
    /// How long an unused connection is kept; there are never more than a provider has messages
    /// at once. Shorter than what servers keep theirs, so that a
    /// request is not sent on a connection that is just being closed. Default: 10 s.
    #[serde(with = "sms_core::duration")]
    pub idle_timeout: Duration,
    /// URL of a proxy for all requests, such as `http://user:password@proxy:3128`. The
    /// environment is not asked. Default: none.
    pub proxy: Option<Secret>,
    /// Certificates in PEM form that are trusted besides the system's. Default: none.
    pub extra_roots_pem: Option<String>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            idle_timeout: Duration::from_secs(10),
            proxy: None,
            extra_roots_pem: None,
        }
    }
}

/// The one HTTP client that all providers share: one pool of connections, one way of failing.
/// Cloning gives another handle to the same pool.
///
/// It follows no redirect and repeats no request, because each of the two may hand a message
/// over twice. It speaks HTTP/1.1 only: when a connection breaks, one message's outcome is
/// unknown, not that of every message that shares the connection.
#[derive(Debug, Clone)]
pub struct HttpClient {
    inner: reqwest::Client,
    connect_timeout: Duration,
    tls_problem: Option<Arc<str>>,
}

impl HttpClient {
    /// Makes the client. TLS is set up here and installed nowhere else in the process.
    ///
    /// A system without root certificates is no error yet: plain `http` works without, and an
    /// `https` URL is refused when its provider is built.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting that is wrong.
    pub fn new(settings: &HttpSettings) -> Result<Self, ConfigError> {
        let (tls, tls_problem) = tls(settings)?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .tcp_nodelay(true)
            .connect_timeout(settings.connect_timeout)
            .pool_idle_timeout(settings.idle_timeout)
            .user_agent(concat!("sms/", env!("CARGO_PKG_VERSION")));
        if let Some(proxy) = &settings.proxy {
            builder = builder.proxy(read_proxy(proxy)?);
        }
        // The error's words are not repeated: they may hold the proxy's URL.
        let refused = |_| ConfigError::new("http", "the HTTP client refuses these settings");
        Ok(Self {
            inner: builder.build().map_err(refused)?,
            connect_timeout: settings.connect_timeout,
            tls_problem,
        })
    }

    /// Checks a provider's time-out and URL against what this client can do.
    pub(crate) fn check(&self, timeout: Duration, url: &reqwest::Url) -> Result<(), ConfigError> {
        let shortest = self.connect_timeout + LEEWAY;
        if timeout <= shortest {
            let shortest = sms_core::duration::format_duration(shortest);
            return Err(ConfigError::new(
                "timeout",
                format!("must be longer than {shortest}, which connecting may take"),
            ));
        }
        match &self.tls_problem {
            Some(problem) if url.scheme() == "https" => Err(ConfigError::new("url", &**problem)),
            _ => Ok(()),
        }
    }

    /// Sends a request once and reads the answer. Returns within `timeout`.
    pub(crate) async fn call(
        &self,
        mut request: Request,
        timeout: Duration,
    ) -> Result<HttpAnswer, Failure> {
        *request.timeout_mut() = Some(timeout - LEEWAY.min(timeout / 20));
        let mut response = match self.inner.execute(request).await {
            Ok(response) => response,
            Err(error) => return Err(Failure::of(&error)),
        };
        let body = read(&mut response).await;
        Ok(HttpAnswer {
            status: response.status(),
            node: response.remote_addr().map(|peer| peer.ip()),
            headers: std::mem::take(response.headers_mut()),
            body,
        })
    }
}

/// An answer: its head is always whole.
#[derive(Debug)]
pub(crate) struct HttpAnswer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The peer that answered: the provider's node, or the proxy.
    pub(crate) node: Option<IpAddr>,
    pub(crate) body: Body,
}

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Body {
    /// All of it.
    Whole(Bytes),
    /// It broke off, stalled until the time-out, or is longer than is read.
    Cut,
}

impl Body {
    /// The bytes, unless some are missing.
    pub(crate) fn whole(&self) -> Option<&[u8]> {
        match self {
            Self::Whole(bytes) => Some(bytes),
            Self::Cut => None,
        }
    }
}

/// Reads a body up to the bound. A longer one is not read further; dropping the response then
/// closes its connection.
async fn read(response: &mut Response) -> Body {
    let mut whole = Bytes::new();
    loop {
        match response.chunk().await {
            Ok(None) => return Body::Whole(whole),
            Ok(Some(chunk)) if whole.len() + chunk.len() > LONGEST_ANSWER => return Body::Cut,
            // Nearly always the first chunk is the only one and is kept without copying.
            Ok(Some(chunk)) if whole.is_empty() => whole = chunk,
            Ok(Some(chunk)) => {
                let mut longer = BytesMut::from(whole);
                longer.extend_from_slice(&chunk);
                whole = longer.freeze();
            }
            Err(_) => return Body::Cut,
        }
    }
}

/// TLS by rustls with ring and the system's root certificates, and why `https` cannot work if
/// there are none.
fn tls(settings: &HttpSettings) -> Result<(rustls::ClientConfig, Option<Arc<str>>), ConfigError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|_| ConfigError::new("http", "TLS is not available in this build"))?;
    let extra = read_roots(settings.extra_roots_pem.as_deref())?;
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider);
    Ok(match verifier {
        Ok(verifier) => {
            let builder = builder.dangerous();
            let config = builder.with_custom_certificate_verifier(Arc::new(verifier));
            (config.with_no_client_auth(), None)
        }
        Err(_) => {
            let nobody = rustls::RootCertStore::empty();
            let config = builder.with_root_certificates(nobody).with_no_client_auth();
            let problem = "is https, but the system has no root certificates to check it by; \
                           install them (package ca-certificates)";
            (config, Some(problem.into()))
        }
    })
}

fn read_roots(pem: Option<&str>) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let key = "http.extra_roots_pem";
    let Some(pem) = pem else {
        return Ok(Vec::new());
    };
    let roots: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| ConfigError::new(key, "is not in PEM form"))?;
    if roots.is_empty() {
        return Err(ConfigError::new(key, "holds no certificate"));
    }
    Ok(roots)
}

fn read_proxy(url: &Secret) -> Result<reqwest::Proxy, ConfigError> {
    reqwest::Proxy::all(url.expose()).map_err(|_| {
        let problem = "is not the URL of a proxy; write it as http://host:port";
        ConfigError::new("http.proxy", problem)
    })
}
