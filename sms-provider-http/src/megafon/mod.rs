//! `kind = "megafon"`: the A2P API of MegaFon (MegaLabs), version 1.
//!
//! The operator hands its document to contract holders only. What is implemented here is what
//! several independent clients of the API agree on; where they are silent the code says so.

mod codes;
mod report;
mod request;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use sms_core::{
    Answer, CallbackSupport, Capabilities, Outcome, Provider, ProviderName, Secret, SenderId,
    Submission,
};

pub(crate) use request::{LONGEST_MESSAGE, Outgoing};

use crate::client::HttpAnswer;
use crate::kinds::{Built, Kind};
use crate::loose::Loose;
use crate::{ConfigError, HttpClient, Settings, answer, retry_after, status};

/// The endpoint that all known clients use.
const URL: &str = "https://a2p-api.megalabs.ru/sms/v1/sms";

/// `kind = "megafon"` as it stands in the configuration.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MegafonConfig {
    /// Where messages are posted. Default: the operator's own address.
    #[serde(default = "default_url")]
    pub url: String,
    /// The sender of messages that name none; at most 11 characters.
    pub from: SenderId,
    /// The login of the account.
    pub login: String,
    /// Its password.
    pub password: Secret,
    /// The longest that one submission takes. Default: 30 s.
    #[serde(default = "default_timeout", with = "sms_core::duration")]
    pub timeout: Duration,
}

/// Credentials do not show, nor the URL: some hand out addresses that are secrets.
impl fmt::Debug for MegafonConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MegafonConfig")
            .field("from", &self.from)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

fn default_url() -> String {
    URL.to_owned()
}

fn default_timeout() -> Duration {
    Duration::from_secs(30)
}

/// Makes MegaFon providers.
#[derive(Debug)]
pub(crate) struct MegafonKind {
    client: HttpClient,
}

impl MegafonKind {
    pub(crate) fn new(client: HttpClient) -> Self {
        Self { client }
    }
}

impl Kind for MegafonKind {
    fn build(&self, name: ProviderName, settings: Settings) -> Result<Built, ConfigError> {
        build(name, &settings.read()?, self.client.clone())
    }
}

/// Makes a provider from its configuration.
pub(crate) fn build(
    name: ProviderName,
    config: &MegafonConfig,
    client: HttpClient,
) -> Result<Built, ConfigError> {
    let template = request::Request::new(config)?;
    client.check(config.timeout, template.url())?;
    let megafon = Megafon {
        name,
        client,
        request: template,
        timeout: config.timeout,
    };
    Ok(Built {
        provider: std::sync::Arc::new(megafon),
        decoder: std::sync::Arc::new(report::Decoder),
        query: None,
    })
}

/// MegaFon as a provider.
#[derive(Debug)]
struct Megafon {
    name: ProviderName,
    client: HttpClient,
    request: request::Request,
    timeout: Duration,
}

#[async_trait]
impl Provider for Megafon {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            deduplicates: true,
            callback: CallbackSupport::PerMessage,
            timeout: self.timeout,
        }
    }

    async fn submit(&self, submission: &Submission) -> Answer {
        let request = match self.request.build(submission) {
            Ok(request) => request,
            Err(problem) => {
                return Answer {
                    description: Some(problem.to_string()),
                    ..Outcome::Rejected.into()
                };
            }
        };
        match self.client.call(request, self.timeout).await {
            Ok(answer) => read(&answer, submission),
            Err(failure) => failure.into(),
        }
    }
}

/// `{"result": {"status": {"code": 0, "description": "ok"}, "msg_id": "…"}}`
#[derive(Deserialize)]
struct Envelope {
    result: Verdict,
}

#[derive(Deserialize)]
struct Verdict {
    status: Status,
    #[serde(default)]
    msg_id: Loose,
}

#[derive(Deserialize)]
struct Status {
    code: Loose,
    #[serde(default)]
    description: Loose,
    /// Details, on some refusals.
    #[serde(default)]
    payload: Loose,
}

/// The verdict is in the body, whatever the HTTP status; only where there is none to be read
/// does the status decide.
fn read(answer: &HttpAnswer, submission: &Submission) -> Answer {
    let wait = retry_after::of_headers(&answer.headers, std::time::SystemTime::now());
    match answer.body.whole().and_then(verdict) {
        Some((code, verdict)) => judge(code, &verdict, wait, answer, submission),
        None => without_verdict(answer, wait),
    }
}

fn verdict(body: &[u8]) -> Option<(i64, Verdict)> {
    let verdict = serde_json::from_slice::<Envelope>(body).ok()?.result;
    let code = verdict.status.code.0.as_deref()?.trim().parse().ok()?;
    Some((code, verdict))
}

fn judge(
    code: i64,
    verdict: &Verdict,
    wait: Option<Duration>,
    answer: &HttpAnswer,
    submission: &Submission,
) -> Answer {
    let words = [&verdict.status.description, &verdict.status.payload]
        .into_iter()
        .filter_map(|part| part.0.as_deref())
        .collect::<Vec<_>>()
        .join(": ");
    let provider_id = answer::provider_id(verdict.msg_id.0.as_deref());
    Answer {
        outcome: codes::class(code).outcome(provider_id, wait),
        code: Some(code.to_string()),
        description: answer::description(&words, submission)
            .or_else(|| codes::meaning(code).map(str::to_owned)),
        node: answer.node,
    }
}

fn without_verdict(answer: &HttpAnswer, wait: Option<Duration>) -> Answer {
    let words = status::describe(answer.status);
    Answer {
        outcome: match status::outcome(answer.status, wait) {
            // MegaFon refuses a message in its own words only. This answer is that of a proxy on
            // the way, whose mood must not end the message for good.
            Outcome::Rejected => Outcome::Unavailable { retry_after: wait },
            outcome => outcome,
        },
        code: Some(status::code(answer.status)),
        description: Some(if answer.status.is_success() {
            format!("{words}, but its body is no answer of MegaFon's")
        } else {
            words
        }),
        node: answer.node,
    }
}

#[cfg(test)]
mod tests;
