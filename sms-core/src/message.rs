//! A message: what was asked for, and what has become of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Attempt, Callback, Encoding, MessageId, MessageText, PhoneNumber, ProviderName, Reference,
    Report, SenderId, State, TenantId, Timestamp,
};

/// One text to one recipient, with its whole life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// What was asked for. Never changes.
    pub request: Arc<Request>,
    /// What has become of it. Changes only by [`decide`](crate::Rules::decide).
    pub progress: Progress,
}

impl Message {
    /// The message's id.
    #[must_use]
    pub fn id(&self) -> MessageId {
        self.request.id
    }

    /// What the provider is told to call it.
    #[must_use]
    pub fn reference(&self) -> Reference {
        self.request.id.reference()
    }

    /// Its state now.
    #[must_use]
    pub fn state(&self) -> State {
        self.progress.state
    }
}

/// What a client asked for, as it was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The id of the message.
    pub id: MessageId,
    /// Whose message it is.
    pub tenant: TenantId,
    /// The recipient.
    pub to: PhoneNumber,
    /// The sender that the recipient sees; the provider's own where absent.
    pub from: Option<SenderId>,
    /// The text, after any replacements that its encoding asked for.
    pub text: MessageText,
    /// How the text is encoded.
    pub encoding: Encoding,
    /// How many segments it takes.
    pub segments: u8,
    /// How urgent it is.
    pub priority: Priority,
    /// What to do when nobody knows whether the provider took it.
    pub on_unknown: UnknownPolicy,
    /// The provider that is to take it.
    pub route: ProviderName,
    /// Proves that a report to the message's own callback comes from its provider.
    pub callback: Callback,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it is to be sent, if not at once.
    pub send_at: Option<Timestamp>,
    /// No attempt starts at or after this time.
    pub expires_at: Timestamp,
    /// Where the client gave an idempotency key: tells a repeat of the same request from another
    /// one under the same key.
    pub fingerprint: Option<Fingerprint>,
}

/// The first 16 bytes of the SHA-256 of a request, over everything that its client chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint(pub [u8; 16]);

/// How urgent a message is. Where work waits, more urgent messages go first, but none starves.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// One-time codes.
    Otp,
    /// Ahead of ordinary messages.
    High,
    /// Ordinary messages.
    #[default]
    Normal,
    /// Campaigns.
    Bulk,
}

impl Priority {
    /// Every priority, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Otp, Self::High, Self::Normal, Self::Bulk];

    /// The name, as stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Otp => "otp",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Bulk => "bulk",
        }
    }
}

/// What to do with a message when an attempt ended without word, at a provider that does not
/// de-duplicate by our reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownPolicy {
    /// Wait for a report or a status query to settle it, as long as reports may come.
    #[default]
    Hold,
    /// Submit again after a short wait: silence is worse than two copies. For one-time codes.
    PreferDuplicate,
    /// Give up after a short wait: two copies are worse than silence.
    PreferLoss,
}

impl UnknownPolicy {
    /// The name, as stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::PreferDuplicate => "prefer_duplicate",
            Self::PreferLoss => "prefer_loss",
        }
    }
}

/// What has become of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Counts the changes; a store commits a change only over the version it was decided on.
    pub version: u64,
    /// The state now.
    pub state: State,
    /// While queued: the earliest time of the next attempt; none when it may start at once.
    pub ready_at: Option<Timestamp>,
    /// When something must happen next. Present in every state that is not final.
    pub deadline: Option<Timestamp>,
    /// The final state that was decided on while an attempt was under way or unresolved: no
    /// further attempt starts, and it ends so once that attempt turns out not to have been taken.
    pub ending: Option<State>,
    /// The attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// The reports, in the order in which they came.
    pub reports: Vec<Report>,
    /// The changes of state, oldest first.
    pub timeline: Vec<Transition>,
}

/// One change of state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// Counts the changes of state from 1. A gap tells that older entries were dropped.
    pub sequence: u32,
    /// When it happened.
    pub at: Timestamp,
    /// The state it led to.
    pub state: State,
    /// Why.
    pub cause: Cause,
}

/// Why a message changed its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A client asked for it.
    Accepted,
    /// Its time came.
    Due,
    /// A worker took it.
    Claimed,
    /// A worker gave it back before anything was sent.
    GivenBack,
    /// The provider answered.
    Answered,
    /// The worker's lease ran out without word of the attempt.
    LeaseEnded,
    /// A delivery report came.
    Reported,
    /// The provider answered a status query.
    Queried,
    /// The message's policy for unknown outcomes.
    Policy,
    /// Its validity ended.
    Expired,
    /// Its sender took it back.
    Canceled,
    /// No report came within the provider's report window.
    ReportWindowEnded,
}

impl Cause {
    /// The name, as stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Due => "due",
            Self::Claimed => "claimed",
            Self::GivenBack => "given_back",
            Self::Answered => "answered",
            Self::LeaseEnded => "lease_ended",
            Self::Reported => "reported",
            Self::Queried => "queried",
            Self::Policy => "policy",
            Self::Expired => "expired",
            Self::Canceled => "canceled",
            Self::ReportWindowEnded => "report_window_ended",
        }
    }
}

impl Progress {
    /// When the message reached the state it is in.
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        self.timeline.last().map(|transition| transition.at)
    }

    /// When it became final; none before.
    #[must_use]
    pub fn finished_at(&self) -> Option<Timestamp> {
        self.state.is_final().then(|| self.since()).flatten()
    }

    /// The latest attempt.
    #[must_use]
    pub fn last_attempt(&self) -> Option<&Attempt> {
        self.attempts.last()
    }
}
