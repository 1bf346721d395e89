//! The record of handing a message to a provider once.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::words::Masked;
use crate::{ProviderId, ProviderName, ReportStatus, Timestamp};

/// One submission of a message to a provider: written before the provider is called, completed
/// when it has answered.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Counts the attempts from 1.
    pub number: u32,
    /// Who was to take it.
    pub provider: ProviderName,
    /// Tells this claim from any other, so that a worker knows its own.
    pub claim: ClaimToken,
    /// When it was claimed.
    pub started_at: Timestamp,
    /// Until when only the claiming worker may act on it.
    pub lease_until: Timestamp,
    /// When its outcome was learnt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// How it ended; none while it is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<AttemptOutcome>,
    /// The id that the provider gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    /// The provider's own code for the outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The provider's own words for the outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The provider's node that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<IpAddr>,
    /// The final status that a report gave to this attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportStatus>,
}

/// What the provider said in its own words may be personal: only its length shows.
impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            number,
            provider,
            claim,
            started_at,
            lease_until,
            finished_at,
            outcome,
            provider_id,
            code,
            description,
            node,
            report,
        } = self;
        f.debug_struct("Attempt")
            .field("number", number)
            .field("provider", provider)
            .field("claim", claim)
            .field("started_at", started_at)
            .field("lease_until", lease_until)
            .field("finished_at", finished_at)
            .field("outcome", outcome)
            .field("provider_id", provider_id)
            .field("code", &Masked(code))
            .field("description", &Masked(description))
            .field("node", node)
            .field("report", report)
            .finish()
    }
}

/// 64 random bits that name one claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ClaimToken(pub u64);

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The provider took the message.
    Accepted,
    /// The provider had taken the message at an earlier attempt.
    Duplicate,
    /// The provider refused the message for good.
    Rejected,
    /// The provider asked for fewer messages; surely not taken.
    Throttled,
    /// The provider could not be reached or was not able; surely not taken.
    Unavailable,
    /// The provider refused our credentials; surely not taken.
    Unauthorized,
    /// Nobody knows whether the provider took it.
    Unknown,
    /// The worker gave it back before it said anything to the provider.
    GivenBack,
}

impl AttemptOutcome {
    /// The name, as stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Rejected => "rejected",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Unauthorized => "unauthorized",
            Self::Unknown => "unknown",
            Self::GivenBack => "given_back",
        }
    }

    /// Whether the attempt uses up one of the retries. Waiting that the provider asked for, or
    /// that a wrong password causes, does not.
    #[must_use]
    pub const fn counts_as_retry(self) -> bool {
        matches!(
            self,
            Self::Accepted | Self::Duplicate | Self::Rejected | Self::Unavailable | Self::Unknown
        )
    }
}

impl Attempt {
    /// Whether the provider is known to have taken the message at this attempt.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.report.is_some()
            || matches!(
                self.outcome,
                Some(AttemptOutcome::Accepted | AttemptOutcome::Duplicate)
            )
    }

    /// Whether the attempt ended without word of what the provider did.
    #[must_use]
    pub fn is_unresolved(&self) -> bool {
        self.report.is_none() && self.outcome == Some(AttemptOutcome::Unknown)
    }

    /// Whether the attempt is under way.
    #[must_use]
    pub fn is_in_flight(&self) -> bool {
        self.outcome.is_none() && self.report.is_none()
    }

    /// Whether the provider has taken the message at this attempt, or may have, or may yet.
    #[must_use]
    pub fn may_be_taken(&self) -> bool {
        self.is_taken() || self.is_unresolved() || self.is_in_flight()
    }
}
