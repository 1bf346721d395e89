//! What can go wrong.

use std::time::Duration;

use lapin::ErrorKind;
use sms_core::QueueError;

/// The queue was not even tried, or the broker does not let us in. A broker that is merely down
/// is no error: the queue connects when it is back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address cannot be read.
    #[error(
        "the address of the broker {problem}; write it as amqp://USER:PASSWORD@HOST:5672/VHOST"
    )]
    Address {
        /// What is wrong with it; never shows the address itself, which holds a password.
        problem: String,
    },
    /// An option cannot work.
    #[error("the option {option} of the queue {problem}")]
    Option {
        /// Which.
        option: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// User, password or virtual host were refused.
    #[error("the broker at {address} does not let us in; check user, password and virtual host")]
    Refused {
        /// The address, without the password.
        address: String,
        /// What the broker said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Why something with the broker did not work.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Fault {
    #[error("there is no connection to the broker")]
    NotConnected,
    #[error("the broker takes no messages ({0})")]
    Blocked(String),
    #[error("the broker did not answer within {0:?}")]
    TimedOut(Duration),
    #[error("the broker refused {0} hints")]
    Refused(usize),
    #[error("the queue {0:?} is gone as soon as it is declared")]
    Unroutable(String),
    #[error("the queue {queue:?} cannot be used: {fault}")]
    Unusable { queue: String, fault: Box<Fault> },
    #[error("the broker ended the consumer")]
    Canceled,
    #[error("the consumer gets nothing although hints wait")]
    Stalled,
    #[error(transparent)]
    Broker(#[from] lapin::Error),
}

/// Reply codes of AMQP 0-9-1, section 1.2 of its generated reference.
mod code {
    pub(super) const ACCESS_REFUSED: u16 = 403;
    pub(super) const PRECONDITION_FAILED: u16 = 406;
    pub(super) const NOT_ALLOWED: u16 = 530;
}

impl Fault {
    /// Whether the broker refused user, password or virtual host.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self.code(), Some(code::ACCESS_REFUSED | code::NOT_ALLOWED))
    }

    /// Whether a queue of this name exists with other arguments.
    pub(crate) fn is_other_arguments(&self) -> bool {
        self.code() == Some(code::PRECONDITION_FAILED)
    }

    fn code(&self) -> Option<u16> {
        match self {
            Self::Broker(error) => match error.kind() {
                ErrorKind::ProtocolError(error) => Some(error.get_id()),
                _ => None,
            },
            _ => None,
        }
    }

    pub(crate) fn while_doing(self, doing: &'static str) -> QueueError {
        QueueError::new(doing).because(self)
    }
}
