//! What a provider says later about a message it took.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::words::Masked;
use crate::{MessageId, ProviderId, ProviderName, Reference, Timestamp};

/// A report as it is kept with its message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// When it came.
    pub received_at: Timestamp,
    /// Who sent it.
    pub provider: ProviderName,
    /// What it says.
    pub status: ReportStatus,
    /// The id that the provider gave to the message, where the report names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    /// The id of the receipt at the message centre, where the report names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_id: Option<String>,
    /// The provider's own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The provider's own words, such as the text of an SMPP receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Whether it came after the message had been given up as [`State::Unknown`](crate::State).
    pub late: bool,
}

/// What the provider said in its own words may be personal: only its length shows.
impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            received_at,
            provider,
            status,
            provider_id,
            receipt_id,
            code,
            text,
            late,
        } = self;
        f.debug_struct("Report")
            .field("received_at", received_at)
            .field("provider", provider)
            .field("status", status)
            .field("provider_id", provider_id)
            .field("receipt_id", &Masked(receipt_id))
            .field("code", &Masked(code))
            .field("text", &Masked(text))
            .field("late", late)
            .finish()
    }
}

impl Report {
    /// Whether two reports say the same thing of the same message.
    #[must_use]
    pub fn repeats(&self, other: &Self) -> bool {
        self.provider == other.provider
            && self.status == other.status
            && self.provider_id == other.provider_id
            && self.receipt_id == other.receipt_id
            && self.code == other.code
    }
}

/// What a report says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportStatus {
    /// The message is on its way; not final.
    Buffered,
    /// It reached the recipient.
    Delivered,
    /// It did not reach the recipient and will not.
    Undelivered,
    /// It expired on the way.
    Expired,
    /// It was refused on the way.
    Rejected,
    /// The provider does not know and will not.
    Unknown,
}

impl ReportStatus {
    /// Whether nothing more will be said.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Buffered)
    }

    /// The name, as stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buffered => "buffered",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        }
    }
}

/// A report as it comes in, before its message is found.
#[derive(Clone, PartialEq, Eq)]
pub struct IncomingReport {
    /// How it names its message.
    pub subject: Subject,
    /// What it says.
    pub status: ReportStatus,
    /// The id that the provider gave to the message, where the report names it.
    pub provider_id: Option<ProviderId>,
    /// The id of the receipt at the message centre, where the report names it. The engine keeps its
    /// first 255 characters.
    pub receipt_id: Option<String>,
    /// The provider's own code. The engine keeps its first 64 characters.
    pub code: Option<String>,
    /// The provider's own words. The engine keeps their first 500 characters.
    pub text: Option<String>,
}

/// What the provider said in its own words may be personal: only its length shows.
impl fmt::Debug for IncomingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            subject,
            status,
            provider_id,
            receipt_id,
            code,
            text,
        } = self;
        f.debug_struct("IncomingReport")
            .field("subject", subject)
            .field("status", status)
            .field("provider_id", provider_id)
            .field("receipt_id", &Masked(receipt_id))
            .field("code", &Masked(code))
            .field("text", &Masked(text))
            .finish()
    }
}

/// How a report names its message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// By our id.
    Id(MessageId),
    /// By the reference that we gave to the provider.
    Reference(Reference),
    /// By the id that the provider gave.
    ProviderId(ProviderId),
    /// Not at all. Such a report means something only at the callback of one message, whose URL
    /// names it.
    Unnamed,
}

/// What a report is looked up by when it names the provider's id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReportKey {
    /// Who gave the id.
    pub provider: ProviderName,
    /// The id.
    pub provider_id: ProviderId,
}

/// A report whose message is not known yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedReport {
    /// What it waits for.
    pub key: ReportKey,
    /// The report.
    pub report: Report,
    /// When to look again whether its message is known.
    pub look_again_at: Timestamp,
}
