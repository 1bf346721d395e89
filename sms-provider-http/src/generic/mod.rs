//! `kind = "http"`: a provider that configuration alone describes.

mod config;
mod location;
mod one_or_many;
mod pattern;
mod report;
mod request;
mod verdict;
mod wait;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sms_core::{
    Answer, CallbackSupport, Capabilities, Clock as _, DecodeError, Decoded, Outcome, Proof,
    Provider, ProviderName, ReportDecoder, ReportRequest, Submission, SystemClock,
};

pub use config::{
    AnswerConfig, AuthConfig, BodyConfig, EncodingNames, HttpConfig, MethodConfig, ReplyConfig,
    ReportConfig, ReportFormat, SecretHeader,
};
pub use location::{Location, LocationError};
pub use one_or_many::OneOrMany;
pub use pattern::Pattern;
pub use wait::WaitConfig;

use crate::kinds::{Built, Kind};
use crate::{ConfigError, HttpClient, Settings};

/// Makes providers from their description.
#[derive(Debug)]
pub(crate) struct HttpKind {
    client: HttpClient,
}

impl HttpKind {
    pub(crate) fn new(client: HttpClient) -> Self {
        Self { client }
    }
}

impl Kind for HttpKind {
    fn build(&self, name: ProviderName, settings: Settings) -> Result<Built, ConfigError> {
        build(name, settings.read()?, self.client.clone())
    }
}

fn build(name: ProviderName, config: HttpConfig, client: HttpClient) -> Result<Built, ConfigError> {
    let request = request::RequestTemplate::new(&config)?;
    client.check(config.timeout, request.sample_url())?;
    check_together(&config, &request)?;
    let verdict = verdict::Verdict::new(config.answer)?;
    let (callback, decoder): (_, Arc<dyn ReportDecoder>) = match config.report {
        None => (CallbackSupport::None, Arc::new(NoReports)),
        Some(report) => {
            let per_message = request.uses_callback_url();
            let callback = match per_message {
                true => CallbackSupport::PerMessage,
                false => CallbackSupport::PerAccount,
            };
            (
                callback,
                Arc::new(report::Decoder::new(report, per_message)?),
            )
        }
    };
    let provider = HttpProvider {
        name,
        client,
        request,
        verdict,
        capabilities: Capabilities {
            deduplicates: config.deduplicates,
            callback,
            timeout: config.timeout,
        },
    };
    Ok(Built {
        provider: Arc::new(provider),
        decoder,
        query: None,
    })
}

/// Checks what the keys say about each other.
fn check_together(
    config: &HttpConfig,
    request: &request::RequestTemplate,
) -> Result<(), ConfigError> {
    if request.uses_callback_url() && config.report.is_none() {
        let problem = "is missing; {callback_url} asks for reports, so say how they look";
        return Err(ConfigError::new("report", problem));
    }
    if config.deduplicates && !request.identifies() {
        let problem = "is true, but neither {reference} nor {id} is in the request; \
                       the provider cannot know a message again";
        return Err(ConfigError::new("deduplicates", problem));
    }
    if config.deduplicates && request.changes() {
        let problem = "is true, but {ttl_seconds}, {ttl_minutes} or {ttl_ms} is in the request: \
                       it would differ at the next attempt; use {expires_at} or \
                       {expires_at_unix}, or leave the validity out";
        return Err(ConfigError::new("deduplicates", problem));
    }
    Ok(())
}

/// A provider that configuration describes.
#[derive(Debug)]
struct HttpProvider {
    name: ProviderName,
    client: HttpClient,
    request: request::RequestTemplate,
    verdict: verdict::Verdict,
    capabilities: Capabilities,
}

impl HttpProvider {
    fn timeout(&self) -> Duration {
        self.capabilities.timeout
    }
}

#[async_trait]
impl Provider for HttpProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn submit(&self, submission: &Submission) -> Answer {
        let request = match self.request.build(submission, SystemClock.now()) {
            Ok(request) => request,
            Err(problem) => {
                return Answer {
                    description: Some(problem.to_string()),
                    ..Outcome::Rejected.into()
                };
            }
        };
        match self.client.call(request, self.timeout()).await {
            Ok(answer) => self.verdict.read(&answer, submission),
            Err(failure) => failure.into(),
        }
    }
}

/// For a provider that is not described to send reports.
#[derive(Debug)]
struct NoReports;

impl ReportDecoder for NoReports {
    fn proof(&self) -> Proof<'_> {
        Proof::Source
    }

    fn decode(&self, _: &ReportRequest<'_>) -> Result<Decoded, DecodeError> {
        Err(DecodeError::Malformed {
            problem: "this provider's configuration has no [provider.report]".to_owned(),
        })
    }
}
