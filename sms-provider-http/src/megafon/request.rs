//! The request that hands a message to MegaFon.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use reqwest::{Body, Method, Url};
use serde::{Deserialize, Serialize};
use sms_core::{ClearText, SenderId, Submission};

use super::MegafonConfig;
use crate::ConfigError;

/// Most characters of a message, counted before any split into segments.
pub(crate) const LONGEST_MESSAGE: usize = 1_000;

/// Most characters of a sender.
const LONGEST_FROM: usize = 11;

/// Bytes of a request besides its text: names, sender, recipient, id and a callback URL of usual
/// length.
const USUAL_OVERHEAD: usize = 320;

/// What a message asks that MegaFon does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsendable {
    #[error("the text has {0} characters; MegaFon takes at most {LONGEST_MESSAGE}")]
    TooLong(usize),
    #[error("the sender has {0} characters; MegaFon takes at most {LONGEST_FROM}")]
    From(usize),
    #[error("the request could not be written")]
    Unwritable,
}

/// The body of a request, as MegaFon reads it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Outgoing<'a> {
    pub(crate) from: Cow<'a, str>,
    pub(crate) to: u64,
    pub(crate) message: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) callback_url: Option<Cow<'a, str>>,
    pub(crate) msg_id: Cow<'a, str>,
}

/// What is the same in every request.
pub(super) struct Request {
    url: Url,
    from: ClearText,
    headers: HeaderMap,
}

impl Request {
    pub(super) fn new(config: &MegafonConfig) -> Result<Self, ConfigError> {
        let from =
            from(config.from).map_err(|problem| ConfigError::new("from", problem.to_string()))?;
        if config.login.is_empty() || config.login.contains(':') {
            let problem = "is empty or holds a colon, which HTTP Basic cannot carry";
            return Err(ConfigError::new("login", problem));
        }
        if config.password.is_empty() {
            return Err(ConfigError::new(
                "password",
                "is empty; write the account's",
            ));
        }
        Ok(Self {
            url: read_url(&config.url)?,
            from,
            headers: headers(config)?,
        })
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The request for one message: the same bytes on every attempt.
    pub(super) fn build(&self, submission: &Submission) -> Result<reqwest::Request, Unsendable> {
        let body = self.body(submission)?;
        let mut request = reqwest::Request::new(Method::POST, self.url.clone());
        request.headers_mut().clone_from(&self.headers);
        *request.body_mut() = Some(Body::from(body));
        Ok(request)
    }

    pub(super) fn body(&self, submission: &Submission) -> Result<Vec<u8>, Unsendable> {
        let text = submission.text.as_str();
        // Counting bytes settles nearly all texts without a pass over their characters.
        if text.len() > LONGEST_MESSAGE {
            let length = text.chars().count();
            if length > LONGEST_MESSAGE {
                return Err(Unsendable::TooLong(length));
            }
        }
        let from = submission.from.map_or(Ok(self.from), from)?;
        let outgoing = Outgoing {
            from: from.as_str().into(),
            to: submission.to.to_u64(),
            message: text.into(),
            callback_url: submission
                .callback_url
                .as_ref()
                .map(|url| url.expose().into()),
            msg_id: submission.reference.as_str().into(),
        };
        let mut body = Vec::with_capacity(text.len() + USUAL_OVERHEAD);
        serde_json::to_writer(&mut body, &outgoing).map_err(|_| Unsendable::Unwritable)?;
        Ok(body)
    }
}

/// The sender as MegaFon takes it: a phone number without its `+`, at most 11 characters.
fn from(sender: SenderId) -> Result<ClearText, Unsendable> {
    let text = match sender.number() {
        Some(number) => number.digits(),
        None => sender.text(),
    };
    if text.len() > LONGEST_FROM {
        return Err(Unsendable::From(text.len()));
    }
    Ok(text)
}

fn read_url(text: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| ConfigError::new("url", "is not a URL; write it as https://host/path"))?;
    if !url.username().is_empty() || url.password().is_some() {
        let problem = "holds a user or password; write them as `login` and `password`";
        return Err(ConfigError::new("url", problem));
    }
    Ok(url)
}

fn headers(config: &MegafonConfig) -> Result<HeaderMap, ConfigError> {
    let credentials = format!("{}:{}", config.login, config.password.expose());
    let value = format!("Basic {}", BASE64.encode(credentials));
    let mut value = HeaderValue::try_from(value)
        .map_err(|_| ConfigError::new("password", "cannot be written into a header"))?;
    value.set_sensitive(true);
    let mut headers = HeaderMap::with_capacity(2);
    headers.insert(AUTHORIZATION, value);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(headers)
}

/// Credentials do not show, nor the URL: some hand out addresses that are secrets.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").finish_non_exhaustive()
    }
}
