//! Reading the reports of a provider.

use std::borrow::Cow;
use std::fmt;

use crate::{IncomingReport, Secret};

/// Reads the reports that a provider posts. Pure: it does no input or output.
pub trait ReportDecoder: Send + Sync + fmt::Debug {
    /// What proves that a request to the provider's own callback is the provider's. The same at
    /// every call.
    ///
    /// # Contract
    /// Whoever takes requests demands it. [`Proof::Header`] and [`Proof::Token`] are demanded
    /// before the body is read, so that strangers cannot make us wait for theirs.
    fn proof(&self) -> Proof<'_>;

    /// Reads the reports in a request; checks its signature where the provider signs.
    ///
    /// # Contract
    /// A report that names no message is no error but [`Subject::Unnamed`](crate::Subject):
    /// where it came to the callback of one message, that one is meant. Of several reports those
    /// that can be read are given, and the others counted as [`skipped`](Decoded::skipped).
    ///
    /// # Errors
    /// [`DecodeError`] when it is not the provider's, or not a report.
    fn decode(&self, request: &ReportRequest<'_>) -> Result<Decoded, DecodeError>;
}

/// What proves that a request to a provider's callback is the provider's.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'a> {
    /// Nothing in it: it must come from a source that may report.
    Source,
    /// A signature, which [`ReportDecoder::decode`] checks.
    Signature,
    /// A header that only the provider knows the value of.
    Header {
        /// Its name, in any case.
        name: &'a str,
        /// Its value.
        value: &'a Secret,
    },
    /// A token that only the provider knows, as the last part of the URL it was told:
    /// `/callback/PROVIDER/TOKEN`.
    Token(&'a Secret),
}

/// A request to a callback, as it came in.
#[derive(Clone, Copy)]
pub struct ReportRequest<'a> {
    /// The HTTP method, in upper case.
    pub method: &'a str,
    /// The URL as the provider saw it: the public address, path and query.
    pub url: &'a str,
    /// The query without its question mark; empty if there is none.
    pub query: &'a str,
    /// The headers, names in lower case.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body, exactly as it came.
    pub body: &'a [u8],
}

impl ReportRequest<'_> {
    /// The first header of this name, given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| *value)
    }
}

/// Bodies and URLs of callbacks hold personal data and secrets: only sizes show.
impl fmt::Debug for ReportRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReportRequest")
            .field("method", &self.method)
            .field("headers", &self.headers.len())
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// What a callback request held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The reports; empty when the request was something else that needs no more than a reply,
    /// such as a message from a phone.
    pub reports: Vec<IncomingReport>,
    /// How many more there were beside them that could not be read. They are lost, because the
    /// provider is told that all were taken; so they are told of in the log.
    pub skipped: usize,
    /// What the provider wants to hear once the reports are durable.
    pub reply: Reply,
}

/// The answer that tells a provider its report was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status; 200 where the provider asks for nothing else.
    pub status: u16,
    /// The body; empty where the provider asks for nothing else.
    pub body: Cow<'static, str>,
}

impl Default for Reply {
    fn default() -> Self {
        Self {
            status: 200,
            body: Cow::Borrowed(""),
        }
    }
}

/// A callback request was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It does not have the provider's form.
    #[error("malformed report: {problem}")]
    Malformed {
        /// What is wrong with which field; no personal data.
        problem: String,
    },
    /// Its signature is missing or wrong.
    #[error("the report's signature is missing or wrong")]
    BadSignature,
}
