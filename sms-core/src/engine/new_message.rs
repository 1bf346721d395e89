//! What a client asks for, and the answer.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::{
    EncodingChoice, Fingerprint, IdempotencyKey, Message, MessageText, PhoneNumber, Priority,
    ProviderName, SenderId, StoreError, TenantId, Timestamp, UnknownPolicy,
};

/// What a client asks for.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// Whose message it is.
    pub tenant: TenantId,
    /// The recipient.
    pub to: PhoneNumber,
    /// The text.
    pub text: MessageText,
    /// The sender that the recipient sees; the provider's own where absent.
    pub from: Option<SenderId>,
    /// How the text may be encoded.
    pub encoding: EncodingChoice,
    /// How urgent it is.
    pub priority: Priority,
    /// What to do when nobody knows whether the provider took it.
    pub on_unknown: UnknownPolicy,
    /// When to send it; at once if absent or past.
    pub send_at: Option<Timestamp>,
    /// How long sending may be tried, from `send_at` or else from now; the engine's default if
    /// absent.
    pub validity: Option<Duration>,
    /// Makes repeats of this request harmless: one message per tenant and key.
    pub idempotency_key: Option<IdempotencyKey>,
    /// The provider to use; the engine's first if absent.
    pub provider: Option<ProviderName>,
}

impl NewMessage {
    /// A message to be sent at once, in the ordinary way.
    #[must_use]
    pub fn new(to: PhoneNumber, text: MessageText) -> Self {
        Self {
            tenant: TenantId::default(),
            to,
            text,
            from: None,
            encoding: EncodingChoice::Auto,
            priority: Priority::default(),
            on_unknown: UnknownPolicy::default(),
            send_at: None,
            validity: None,
            idempotency_key: None,
            provider: None,
        }
    }

    /// A digest of everything that the client chose.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let mut hash = Sha256::new();
        let mut field = |bytes: &[u8]| {
            // Each field behind its length, so that no two requests run together.
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        let optional = |value: Option<i64>| value.unwrap_or(i64::MIN).to_be_bytes();
        let millis = |d: Duration| i64::try_from(d.as_millis()).unwrap_or(i64::MAX);
        field(self.to.e164().as_bytes());
        field(self.text.as_str().as_bytes());
        let from = self.from.map(SenderId::text);
        field(from.as_ref().map_or("", |from| from.as_str()).as_bytes());
        field(self.encoding.as_str().as_bytes());
        field(self.priority.as_str().as_bytes());
        field(self.on_unknown.as_str().as_bytes());
        field(&optional(self.send_at.map(Timestamp::as_millis)));
        field(&optional(self.validity.map(millis)));
        let provider = self.provider.as_ref().map(ProviderName::as_str);
        field(provider.unwrap_or_default().as_bytes());
        let mut first = [0; 16];
        first.copy_from_slice(&hash.finalize()[..16]);
        Fingerprint(first)
    }
}

/// A message is stored and will be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// The message, as it is stored.
    pub message: Message,
    /// Whether an earlier request with the same idempotency key had asked for it already.
    pub replayed: bool,
}

/// A message was not accepted.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// A field makes no sense.
    #[error("{field}: {problem}")]
    Invalid {
        /// Which field of [`NewMessage`].
        field: &'static str,
        /// What is wrong and what to do; no personal data.
        problem: String,
    },
    /// No provider of this name is configured.
    #[error("provider: none of the name {0} is configured")]
    UnknownProvider(ProviderName),
    /// The idempotency key belongs to another request.
    #[error("idempotency_key: it was used for a request with other contents; use a new key")]
    KeyReused,
    /// The store could not keep it. It may or may not be stored: repeat the request with the same
    /// idempotency key.
    #[error(transparent)]
    Store(#[from] StoreError),
}
