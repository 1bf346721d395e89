//! What a person is told when the server refuses, or is not there.

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::clean::clean;
use crate::failure::{Failure, chain};

/// The server cannot be reached.
pub(super) fn unreachable(url: &str, error: &tonic::transport::Error) -> Failure {
    let cause = chain(error);
    let cause = cause.trim_start_matches("transport error: ");
    let certificate = cause.to_lowercase().contains("certificate");
    let hint = match certificate {
        true => "does --ca name the right file?",
        false => "is `sms serve` running? --server names another address",
    };
    Failure::new(format!("cannot reach {url} ({cause}); {hint}"))
}

/// The server refused.
pub(super) fn explain(status: &Status) -> Failure {
    let said = clean(status.message());
    Failure::new(match status.code() {
        Code::InvalidArgument => fields(status).unwrap_or(said),
        Code::Unauthenticated => format!("{said}; give it in SMS_API_KEY"),
        Code::Unavailable if said.is_empty() || status.details().is_empty() => {
            format!("the connection to the server broke off ({said}); try again")
        }
        // Whatever it was, it was not HTTP/2.
        Code::Unknown | Code::Internal if is_ours(status) => {
            "whoever listens there broke the connection off; if it is a server with TLS, write \
             https:// before its address"
                .to_owned()
        }
        Code::DeadlineExceeded | Code::Cancelled => {
            "the server did not answer in time; try again".to_owned()
        }
        Code::Unimplemented => {
            "there is a server, but it does not speak sms.v1; is the address right?".to_owned()
        }
        Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::Unavailable => said,
        code => format!("the server failed ({code:?}): {said}"),
    })
}

/// Whether it was made here, because there was no answer to be read.
fn is_ours(status: &Status) -> bool {
    std::error::Error::source(status).is_some()
}

/// One line for each field that is wrong.
fn fields(status: &Status) -> Option<String> {
    let details = status.get_error_details();
    let violations = &details.bad_request()?.field_violations;
    let line = |violation: &tonic_types::FieldViolation| {
        // Proto fields and command line options are called the same, but for dashes.
        let field = violation
            .field
            .trim_start_matches("request.")
            .replace('_', "-");
        clean(&format!("{field}: {}", violation.description))
    };
    let lines: Vec<_> = violations.iter().map(line).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}
