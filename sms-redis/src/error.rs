//! What can go wrong, in this crate's words and in those of the port.

use std::io;
use std::sync::Arc;

use redis::{ErrorKind, RedisError, ServerError, ServerErrorKind};
use sms_core::{StoreError, StoreErrorKind};

use crate::bytes::Unreadable;

/// A store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// An option has a value that makes no sense.
    #[error("the Redis URL: {key}: {problem}")]
    Option {
        /// Which option, or which part of the URL.
        key: String,
        /// What is wrong with it and what to write.
        problem: String,
    },
    /// The server may lose what it has confirmed.
    #[error(
        "the Redis server {server} may lose messages: {problem}; {remedy}, or set \
         {key}=true in the URL if messages may be lost"
    )]
    NotDurable {
        /// Its address.
        server: String,
        /// What it does.
        problem: String,
        /// What to change at the server.
        remedy: &'static str,
        /// The option that allows it.
        key: &'static str,
    },
    /// The server is of the wrong kind.
    #[error("the Redis server {server}: {problem}")]
    Unsuitable {
        /// Its address.
        server: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The server could not be reached, or did not let us in.
    #[error("Redis at {server} cannot be used")]
    Unreachable {
        /// Its address.
        server: String,
        /// Why.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
}

/// Why a call did not succeed. Some of these are shared by many calls, so all can be cloned.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Failure {
    /// There was no connection for the whole time.
    #[error("no connection to {server}")]
    NotConnected {
        server: String,
        source: Option<Arc<Failure>>,
    },
    /// No connection could be made.
    #[error("{doing}")]
    Dial {
        doing: &'static str,
        source: Option<Arc<io::Error>>,
    },
    /// No node of the cluster says that it has the slot.
    #[error("no master of the cluster has the slot")]
    NoMaster,
    /// The password or the user is wrong or missing.
    #[error("the server does not let us in; check user and password")]
    LoginRefused,
    /// The server is a replica.
    #[error("the server is a replica, not a master")]
    NotMaster,
    /// The server may lose what it confirms.
    #[error("{0}")]
    Unfit(Arc<ConnectError>),
    /// The server did not answer in time. It may have done what was asked.
    #[error("{server} did not answer in time")]
    Timeout { server: String },
    /// The connection broke. The server may have done what was asked.
    #[error("the connection broke: {0}")]
    Broken(RedisError),
    /// The server refused; nothing was done.
    #[error("the server refused: {0}")]
    Refused(Refusal),
    /// Written, but not known to be on so many replicas.
    #[error("written, but only {confirmed} of {wanted} replicas confirmed it in time")]
    NotReplicated { confirmed: i64, wanted: u32 },
    /// The server answered something else than what was asked.
    #[error("the server answered {0} in a form that was not expected")]
    Answer(&'static str),
    /// What is stored cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A page token that this store did not make.
    #[error("the page token is not one of this store")]
    PageToken,
}

/// What the server said. Some errors of Redis quote the command, which holds personal data: such
/// a detail is left out.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{code}{detail}")]
pub(crate) struct Refusal {
    pub(crate) code: String,
    detail: String,
}

/// Codes that tell of a password or a right that is missing, or of a command that makes no sense.
const FINAL: [&str; 4] = ["NOAUTH", "WRONGPASS", "NOPERM", "ERR"];

impl Refusal {
    fn is_final(&self) -> bool {
        FINAL.contains(&self.code.as_str())
    }
}

impl From<&ServerError> for Refusal {
    fn from(error: &ServerError) -> Self {
        let quotes = |detail: &&str| !detail.contains("args beginning");
        let detail = error.details().filter(quotes);
        Self {
            code: error.code().to_owned(),
            detail: detail.map_or_else(String::new, |detail| format!(" {detail}")),
        }
    }
}

impl From<RedisError> for Failure {
    /// An error of the library that is not an answer of the server means that the connection
    /// can no longer be relied on.
    fn from(error: RedisError) -> Self {
        match error.kind() {
            ErrorKind::AuthenticationFailed => Self::LoginRefused,
            _ => Self::Broken(error),
        }
    }
}

impl ConnectError {
    /// Whether the same call may succeed later although nobody changes the options: the server
    /// cannot be reached, starts, or has no master yet.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        let Self::Unreachable { source, .. } = self else {
            return false;
        };
        let failure = source.downcast_ref::<Failure>();
        failure.is_none_or(|failure| !failure.is_final())
    }
}

impl Failure {
    /// What the server refuses today it may take tomorrow: memory is freed, a password is set
    /// right. Only what is stored does not mend by itself.
    fn kind(&self) -> StoreErrorKind {
        match self {
            Self::Unreadable(_) => StoreErrorKind::Corrupt,
            Self::PageToken => StoreErrorKind::Invalid,
            _ => StoreErrorKind::Unavailable,
        }
    }

    /// Whether the server answered, and will answer the same until somebody changes something.
    fn is_final(&self) -> bool {
        match self {
            Self::LoginRefused | Self::Unfit(_) => true,
            Self::Refused(refusal) => refusal.is_final(),
            Self::NotConnected { source, .. } => {
                source.as_ref().is_some_and(|source| source.is_final())
            }
            Self::Broken(error) => matches!(
                error.kind(),
                ErrorKind::Server(ServerErrorKind::ResponseError | ServerErrorKind::NoPerm)
            ),
            _ => false,
        }
    }

    /// As the port says it; `doing` completes "the store could not …".
    pub(crate) fn during(self, doing: &'static str) -> StoreError {
        StoreError::new(self.kind(), doing).because(self)
    }
}
