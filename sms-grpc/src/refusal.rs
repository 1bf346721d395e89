//! Why a call is refused, and what a client is told.

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Display;
use std::time::Duration;

use sms_core::{AcceptError, ProviderName, State, StoreError, StoreErrorKind};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

use crate::api_key::Scope;

/// The domain of every `google.rpc.ErrorInfo` of this server.
const DOMAIN: &str = "sms";

/// What `google.rpc.ResourceInfo` calls a message.
const MESSAGE_TYPE: &str = "sms.v1.Message";

/// Why a call is refused. The texts are for clients; they hold no personal data, and nothing of
/// what goes on behind the server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("{}", list(.0))]
    Fields(Vec<Violation>),
    #[error("provider: none of the name {0} is configured")]
    UnknownProvider(ProviderName),
    #[error("idempotency_key: it was used for a message with other contents; use a new key")]
    KeyReused,
    #[error("there is no message {0}")]
    NotFound(String),
    #[error("the message cannot be taken back any more: it is {state}")]
    CancelTooLate { id: String, state: State },
    #[error("an API key is needed: send the metadata `authorization: Bearer KEY`")]
    ApiKeyMissing,
    #[error("this is not an API key; was it copied whole?")]
    ApiKeyMalformed,
    #[error("this API key is not known; it may have been revoked")]
    ApiKeyUnknown,
    #[error("this API key may not do that: it lacks the scope {}", .0.as_str())]
    ScopeMissing(Scope),
    #[error("too many calls at once; try again")]
    Overloaded,
    #[error("the call's deadline passed")]
    DeadlineExceeded,
    #[error("the server is shutting down; try again")]
    ShuttingDown,
    #[error("{}", store_words(.0))]
    Store(#[source] StoreError),
}

/// One wrong field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The path of the field, as the proto file calls it.
    pub(crate) field: String,
    /// What is wrong with it and what to do; no personal data.
    pub(crate) problem: String,
}

impl Violation {
    pub(crate) fn new(field: impl Into<String>, problem: impl Display) -> Self {
        Self {
            field: field.into(),
            problem: problem.to_string(),
        }
    }
}

/// What the table says of a refusal.
struct Facts {
    code: Code,
    reason: &'static str,
    /// For passing faults: when to try again.
    retry_after: Option<Duration>,
}

impl Refusal {
    /// One wrong field.
    pub(crate) fn field(field: impl Into<String>, problem: impl Display) -> Self {
        Self::Fields(vec![Violation::new(field, problem)])
    }

    /// The one table from kinds of refusal to codes.
    fn facts(&self) -> Facts {
        let (code, reason) = match self {
            Self::Fields(_) => (Code::InvalidArgument, "INVALID_FIELD"),
            Self::UnknownProvider(_) => (Code::InvalidArgument, "UNKNOWN_PROVIDER"),
            Self::KeyReused => (Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED"),
            Self::NotFound(_) => (Code::NotFound, "MESSAGE_NOT_FOUND"),
            Self::CancelTooLate { .. } => (Code::FailedPrecondition, "CANCEL_TOO_LATE"),
            Self::ApiKeyMissing => (Code::Unauthenticated, "API_KEY_MISSING"),
            Self::ApiKeyMalformed => (Code::Unauthenticated, "API_KEY_MALFORMED"),
            Self::ApiKeyUnknown => (Code::Unauthenticated, "API_KEY_UNKNOWN"),
            Self::ScopeMissing(_) => (Code::PermissionDenied, "SCOPE_MISSING"),
            Self::Overloaded => (Code::ResourceExhausted, "OVERLOADED"),
            Self::DeadlineExceeded => (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
            Self::ShuttingDown => (Code::Unavailable, "SHUTTING_DOWN"),
            Self::Store(error) if error.is_passing() => (Code::Unavailable, "STORE_UNAVAILABLE"),
            Self::Store(error) => store_fault(error.kind()),
        };
        let passing = matches!(code, Code::Unavailable | Code::ResourceExhausted);
        Facts {
            code,
            reason,
            // Long enough for a restart of the store to be worth the call, short enough not to
            // hold up a client for a hiccup.
            retry_after: passing.then_some(Duration::from_secs(1)),
        }
    }

    /// What `google.rpc.ErrorInfo` calls it.
    pub(crate) fn reason(&self) -> &'static str {
        self.facts().reason
    }

    /// What is known besides the text, for `google.rpc.ErrorInfo`.
    fn metadata(&self) -> HashMap<String, String> {
        let pair = match self {
            Self::CancelTooLate { state, .. } => ("state", state.to_string()),
            Self::ScopeMissing(scope) => ("scope", scope.as_str().to_owned()),
            _ => return HashMap::new(),
        };
        HashMap::from([(pair.0.to_owned(), pair.1)])
    }

    fn details(&self, facts: &Facts) -> ErrorDetails {
        let mut details = ErrorDetails::new();
        details.set_error_info(facts.reason, DOMAIN, self.metadata());
        if facts.retry_after.is_some() {
            details.set_retry_info(facts.retry_after);
        }
        match self {
            Self::Fields(violations) => {
                let violation = |v: &Violation| FieldViolation::new(&v.field, &v.problem);
                details.set_bad_request(violations.iter().map(violation).collect::<Vec<_>>());
            }
            Self::UnknownProvider(name) => {
                let problem = format!("none of the name {name} is configured");
                details.add_bad_request_violation("provider", problem);
            }
            Self::NotFound(id) | Self::CancelTooLate { id, .. } => {
                details.set_resource_info(MESSAGE_TYPE, id, "", self.to_string());
            }
            _ => {}
        }
        details
    }

    /// Writes to the log why a call of `method` is refused: what is the server's fault as a
    /// warning with its cause, all else for debugging only, because any client can cause it at
    /// will.
    fn log(&self, method: &'static str, facts: &Facts) {
        let reason = facts.reason;
        if let Self::Store(error) = self {
            let error: &(dyn Error + 'static) = error;
            tracing::warn!(method, reason, error, "a call failed");
        } else {
            tracing::debug!(method, reason, code = ?facts.code, "a call was refused");
        }
    }

    /// The status that a call of `method` ends with. Logs it.
    pub(crate) fn into_status(self, method: &'static str) -> Status {
        let facts = self.facts();
        self.log(method, &facts);
        let details = self.details(&facts);
        Status::with_error_details(facts.code, self.to_string(), details)
    }

    /// The same with every field below `parent`.
    pub(crate) fn below(self, parent: &str) -> Self {
        match self {
            Self::Fields(mut violations) => {
                for violation in &mut violations {
                    violation.field = format!("{parent}.{}", violation.field);
                }
                Self::Fields(violations)
            }
            other => other,
        }
    }
}

impl From<AcceptError> for Refusal {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::Invalid { field, problem } => Self::field(field, problem),
            AcceptError::UnknownProvider(name) => Self::UnknownProvider(name),
            AcceptError::KeyReused => Self::KeyReused,
            AcceptError::Store(error) => Self::Store(error),
            // Kinds that a later engine may add speak for themselves.
            other => Self::field("", other),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The faults of a store that no repetition mends.
fn store_fault(kind: StoreErrorKind) -> (Code, &'static str) {
    match kind {
        StoreErrorKind::Corrupt => (Code::Internal, "STORE_CORRUPT"),
        _ => (Code::Internal, "STORE_REFUSED"),
    }
}

fn store_words(error: &StoreError) -> &'static str {
    if error.is_passing() {
        "the store is not available; try again"
    } else {
        "the store cannot answer; tell the operator of this server"
    }
}

fn list(violations: &[Violation]) -> String {
    let one = |violation: &Violation| format!("{}: {}", violation.field, violation.problem);
    violations.iter().map(one).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_the_store_is_worth_a_repetition_only_if_it_passes() {
        for (kind, code, reason, passes) in [
            (
                StoreErrorKind::Unavailable,
                Code::Unavailable,
                "STORE_UNAVAILABLE",
                true,
            ),
            (
                StoreErrorKind::Corrupt,
                Code::Internal,
                "STORE_CORRUPT",
                false,
            ),
            (
                StoreErrorKind::Invalid,
                Code::Internal,
                "STORE_REFUSED",
                false,
            ),
        ] {
            let cause = std::io::Error::other("10.0.0.1 refused +79991234567");
            let error = StoreError::new(kind, "load messages").because(cause);
            let status = Refusal::from(error).into_status("test");
            assert_eq!(status.code(), code);
            let details = status.get_error_details();
            assert_eq!(details.error_info().unwrap().reason, reason);
            assert_eq!(details.retry_info().is_some(), passes);
            assert!(!status.message().contains("10.0.0.1"), "{status}");
        }
    }

    #[test]
    fn fields_are_moved_below_their_parent_and_nothing_else_is() {
        let Refusal::Fields(moved) = Refusal::field("to", "is empty").below("request") else {
            panic!("other kind");
        };
        assert_eq!(moved, [Violation::new("request.to", "is empty")]);
        assert!(matches!(
            Refusal::KeyReused.below("request"),
            Refusal::KeyReused
        ));
    }
}
