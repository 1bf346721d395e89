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
    let hint = if cause.contains("not valid for name") {
        "its certificate is for another name: write --server https://NAME:PORT with that name"
    } else if certificate {
        "does --ca name the right file?"
    } else {
        "is `sms serve` running? --server names another address"
    };
    Failure::new(format!("cannot reach {url} ({cause}); {hint}"))
}

/// The server did not take a message, or nobody knows whether it did. `repeat` are the options
/// that ask for the same once more.
pub(super) fn of_sending(status: &Status, repeat: &str) -> Failure {
    let words = explain(status).to_string();
    let unknown = match status.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => true,
        Code::Unknown | Code::Internal => is_ours(status),
        _ => false,
    };
    if !unknown {
        return Failure::new(words);
    }
    let words = words.strip_suffix(TRY_AGAIN).unwrap_or(&words);
    Failure::new(format!(
        "{words}; it may have been accepted all the same: repeat the command with {repeat}, so that \
         it is sent once"
    ))
}

/// What the server, too, ends its words with where a repetition may help.
const TRY_AGAIN: &str = "; try again";

const ASKS_FOR_CERTIFICATE: &str =
    "if it asks its clients for certificates, give yours by --cert and --tls-key";

/// What tonic calls a time-out of its own, which has the code of a broken connection.
const TIMED_OUT: &str = "Timeout expired";

/// The server refused.
pub(super) fn explain(status: &Status) -> Failure {
    let said = clean(status.message());
    Failure::new(match status.code() {
        Code::InvalidArgument => fields(status).unwrap_or(said),
        Code::Unauthenticated => format!("{said}; give it in SMS_API_KEY"),
        Code::Unavailable if said.is_empty() || status.details().is_empty() => {
            format!("the connection to the server broke off ({said}){TRY_AGAIN}")
        }
        // Whatever it was, it was not HTTP/2.
        Code::Unknown | Code::Internal if is_ours(status) => {
            format!(
                "whoever listens there broke the connection off; if it is a server with TLS, write \
                 https:// before its address, and {ASKS_FOR_CERTIFICATE}"
            )
        }
        // With TLS 1.3 a client learns of a refused certificate, or of one that is missing, by
        // the end of the connection only.
        Code::Cancelled if is_ours(status) && said != TIMED_OUT => {
            format!("the server broke the connection off; {ASKS_FOR_CERTIFICATE}")
        }
        Code::DeadlineExceeded | Code::Cancelled => {
            format!("the server did not answer in time{TRY_AGAIN}")
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

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn only_an_unknown_outcome_is_to_be_repeated_with_its_key() {
        let words = |code, said: &str| {
            let details = ErrorDetails::with_error_info("REASON", "sms", []);
            let status = Status::with_error_details(code, said, details);
            of_sending(&status, "--key k").to_string()
        };
        for (code, said) in [
            (Code::Unavailable, "the store is not available; try again"),
            (Code::DeadlineExceeded, ""),
            (Code::Cancelled, "Timeout expired"),
        ] {
            let words = words(code, said);
            assert!(words.contains("may have been accepted"), "{words}");
            assert!(words.contains("--key k"), "{words}");
            assert!(!words.contains("try again"), "{words}");
        }
        for code in [
            Code::InvalidArgument,
            Code::Unauthenticated,
            Code::AlreadyExists,
            Code::ResourceExhausted,
        ] {
            let words = words(code, "no");
            assert!(!words.contains("--key k"), "{words}");
        }
    }
}
