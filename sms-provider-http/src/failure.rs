//! Why a request got no answer, and whether it may have been worked on all the same.

use std::error::Error;
use std::io;

use sms_core::{Answer, Outcome};

/// A request that got no answer. This is the only place that looks into the client's errors, so
/// that what a failure means is decided once. The errors themselves go no further: they hold the
/// URL, which may hold secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The request did not leave: there was no connection to send it on.
    NotSent(&'static str),
    /// The request left, or may have.
    NoAnswer(&'static str),
}

impl Failure {
    /// Reads the client's error.
    ///
    /// `is_connect` is asked first: a connect time-out is a connect failure *and* a time-out. All
    /// that is left after it may have left the machine. A connection that the server closes
    /// before, while or after it read the request looks the same in all three cases.
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        if error.is_builder() {
            return Self::NotSent("the request could not be built");
        }
        if error.is_connect() {
            return Self::NotSent(connecting(error));
        }
        Self::NoAnswer(waiting(error))
    }
}

fn connecting(error: &reqwest::Error) -> &'static str {
    if error.is_dns() {
        "the host name could not be resolved"
    } else if error.is_timeout() {
        "no connection within the connect time-out"
    } else if source::<rustls::Error>(error).is_some() {
        "the TLS handshake failed"
    } else {
        match source::<io::Error>(error).map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => "the connection was refused",
            Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
                "the host is not reachable"
            }
            _ => "the connection could not be made",
        }
    }
}

fn waiting(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        return "no answer within the time-out";
    }
    match source::<hyper::Error>(error) {
        Some(error) if error.is_parse() => "the answer is not HTTP",
        _ => "the connection was closed before the answer",
    }
}

/// The first error of this type among the causes, also inside the errors of input and output,
/// which do not name the error they wrap as their source.
fn source<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

impl From<Failure> for Answer {
    fn from(failure: Failure) -> Self {
        let (outcome, description) = match failure {
            Failure::NotSent(why) => (Outcome::Unavailable { retry_after: None }, why),
            Failure::NoAnswer(why) => (Outcome::Unknown, why),
        };
        Self {
            description: Some(description.to_owned()),
            ..outcome.into()
        }
    }
}
