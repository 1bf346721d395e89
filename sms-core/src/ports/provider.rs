//! The port to a provider.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;

use crate::words::{self, Masked};
use crate::{
    AttemptOutcome, Encoding, MessageId, MessageText, PhoneNumber, ProviderId, ProviderName,
    Reference, ReportStatus, SenderId, Timestamp,
};

/// Takes messages and brings them to phones. `docs/writing-a-provider.md` shows how to write one.
#[async_trait]
pub trait Provider: Send + Sync + fmt::Debug {
    /// The name that configuration gives to it.
    fn name(&self) -> &ProviderName;

    /// What it can do. Asked once, at the start.
    fn capabilities(&self) -> Capabilities;

    /// Hands over one message and says how that went.
    ///
    /// # Contract
    /// - Calls the provider at most once. Repeating is the engine's business.
    /// - Returns within [`Capabilities::timeout`]; the engine takes a later answer as
    ///   [`Outcome::Unknown`].
    /// - Says [`Outcome::Unknown`] whenever the provider *may* have taken the message: the
    ///   request had left and no answer came, or none that can be read. Says
    ///   [`Outcome::Unavailable`] only when it surely has not.
    /// - If it de-duplicates: the same submission gives the same request, byte for byte in
    ///   everything that the provider compares, whatever the attempt.
    async fn submit(&self, submission: &Submission) -> Answer;
}

/// Asks a provider what became of a message, where it can be asked.
#[async_trait]
pub trait StatusQuery: Send + Sync + fmt::Debug {
    /// Asks for one message that was submitted earlier.
    ///
    /// # Contract
    /// Says [`QueryAnswer::NotTaken`] only when the provider surely does not have it and will
    /// not come to have it.
    async fn query(&self, submission: &Submission, provider_id: Option<&ProviderId>)
    -> QueryAnswer;
}

/// What a provider can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether it takes a message once however often the same reference is submitted.
    pub deduplicates: bool,
    /// Where it posts reports.
    pub callback: CallbackSupport,
    /// The longest that one submission takes.
    pub timeout: Duration,
}

/// Where a provider posts reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallbackSupport {
    /// To a URL given with each message.
    PerMessage,
    /// To one URL set at the provider.
    PerAccount,
    /// Nowhere: it sends no reports.
    None,
}

/// One message for a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The message's id.
    pub id: MessageId,
    /// The short name of the message, the same on every attempt.
    pub reference: Reference,
    /// Counts the attempts from 1.
    pub attempt: u32,
    /// The recipient.
    pub to: PhoneNumber,
    /// The sender; the provider's own where absent.
    pub from: Option<SenderId>,
    /// The text.
    pub text: MessageText,
    /// How the text is encoded.
    pub encoding: Encoding,
    /// How many segments it takes.
    pub segments: u8,
    /// Until when delivery may be tried.
    pub expires_at: Timestamp,
    /// Where reports of this message go, if anywhere. A secret of ours and the provider's.
    pub callback_url: Option<CallbackUrl>,
}

/// The URL of a message's own callback. It holds a secret, so it does not show.
#[derive(Clone, PartialEq, Eq)]
pub struct CallbackUrl(String);

impl CallbackUrl {
    /// Wraps the URL.
    #[must_use]
    pub fn new(url: String) -> Self {
        Self(url)
    }

    /// The URL, for the request to the provider.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CallbackUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallbackUrl(***)")
    }
}

/// What a provider said to a submission.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// How it went.
    pub outcome: Outcome,
    /// The provider's own code. The engine keeps its first 64 characters.
    pub code: Option<String>,
    /// The provider's own words. The engine keeps their first 500 characters.
    pub description: Option<String>,
    /// The provider's node that answered.
    pub node: Option<IpAddr>,
}

/// What the provider said in its own words may be personal: only its length shows.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            outcome,
            code,
            description,
            node,
        } = self;
        f.debug_struct("Answer")
            .field("outcome", outcome)
            .field("code", &Masked(code))
            .field("description", &Masked(description))
            .field("node", node)
            .finish()
    }
}

/// How a submission went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The provider took the message.
    Accepted {
        /// The id it gave, if any.
        provider_id: Option<ProviderId>,
    },
    /// The provider says that it took this reference at an earlier attempt.
    Duplicate {
        /// The id it gave, if any.
        provider_id: Option<ProviderId>,
    },
    /// The provider refuses the message and always will.
    Rejected,
    /// The provider asks for fewer messages. Surely not taken.
    Throttled {
        /// How long it asks to wait. The engine waits an hour at most.
        retry_after: Option<Duration>,
    },
    /// The provider could not be reached or was not able. Surely not taken.
    Unavailable {
        /// How long it asks to wait. The engine waits an hour at most.
        retry_after: Option<Duration>,
    },
    /// The provider refuses our credentials. Surely not taken; nothing else will be either.
    Unauthorized,
    /// Nobody knows whether the provider took it.
    Unknown,
}

impl Answer {
    /// The same with no more of the provider's words than is kept.
    pub(crate) fn in_bounds(self) -> Self {
        Self {
            code: words::code(self.code),
            description: words::text(self.description),
            ..self
        }
    }
}

impl Outcome {
    /// What is kept of it with the attempt.
    #[must_use]
    pub const fn kind(&self) -> AttemptOutcome {
        match self {
            Self::Accepted { .. } => AttemptOutcome::Accepted,
            Self::Duplicate { .. } => AttemptOutcome::Duplicate,
            Self::Rejected => AttemptOutcome::Rejected,
            Self::Throttled { .. } => AttemptOutcome::Throttled,
            Self::Unavailable { .. } => AttemptOutcome::Unavailable,
            Self::Unauthorized => AttemptOutcome::Unauthorized,
            Self::Unknown => AttemptOutcome::Unknown,
        }
    }

    /// The id that the provider gave, if it took the message and gave one.
    #[must_use]
    pub const fn provider_id(&self) -> Option<&ProviderId> {
        match self {
            Self::Accepted { provider_id } | Self::Duplicate { provider_id } => {
                provider_id.as_ref()
            }
            _ => None,
        }
    }

    /// How long the provider asks to wait, if it does.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after } | Self::Unavailable { retry_after } => *retry_after,
            _ => None,
        }
    }
}

impl From<Outcome> for Answer {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            code: None,
            description: None,
            node: None,
        }
    }
}

/// What a provider said to a question about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryAnswer {
    /// It has the message.
    Taken {
        /// The id it gave, if any.
        provider_id: Option<ProviderId>,
        /// What became of it, if that is known.
        status: Option<ReportStatus>,
    },
    /// It surely does not have the message.
    NotTaken,
    /// It could not say.
    Unknown,
}
