//! The variables of a template and what they stand for.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use sms_core::{Encoding, SenderId, Submission};

use super::Remaining;

/// A part of a message. None but those that [`change`](Variable::changes) depends on the attempt,
/// so that every attempt sends the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variable {
    To,
    ToDigits,
    From,
    FromDigits,
    Text,
    TextGsm7,
    TextUcs2Hex,
    Reference,
    Id,
    CallbackUrl,
    Segments,
    Encoding,
    ExpiresAt,
    ExpiresAtUnix,
    TtlSeconds,
    TtlMinutes,
    TtlMs,
}

const NAMES: [(&str, Variable); 17] = [
    ("to", Variable::To),
    ("to_digits", Variable::ToDigits),
    ("from", Variable::From),
    ("from_digits", Variable::FromDigits),
    ("text", Variable::Text),
    ("text_gsm7", Variable::TextGsm7),
    ("text_ucs2_hex", Variable::TextUcs2Hex),
    ("reference", Variable::Reference),
    ("id", Variable::Id),
    ("callback_url", Variable::CallbackUrl),
    ("segments", Variable::Segments),
    ("encoding", Variable::Encoding),
    ("expires_at", Variable::ExpiresAt),
    ("expires_at_unix", Variable::ExpiresAtUnix),
    ("ttl_seconds", Variable::TtlSeconds),
    ("ttl_minutes", Variable::TtlMinutes),
    ("ttl_ms", Variable::TtlMs),
];

impl Variable {
    pub(crate) fn named(name: &str) -> Option<Self> {
        NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, variable)| *variable)
    }

    /// The names of all variables, for an error message.
    pub(crate) fn known() -> String {
        NAMES.map(|(name, _)| format!("{{{name}}}")).join(", ")
    }

    /// Whether its value is always digits that fit into a number.
    pub(crate) fn is_numeric(self) -> bool {
        matches!(self, Self::ToDigits | Self::Segments | Self::ExpiresAtUnix) || self.changes()
    }

    /// Whether its value differs from attempt to attempt.
    pub(crate) fn changes(self) -> bool {
        matches!(self, Self::TtlSeconds | Self::TtlMinutes | Self::TtlMs)
    }

    /// Whether it is the text, in whatever form.
    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::TextGsm7 | Self::TextUcs2Hex)
    }

    /// Whether it is the text of messages in one encoding only.
    pub(crate) fn is_of_one_encoding(self) -> bool {
        matches!(self, Self::TextGsm7 | Self::TextUcs2Hex)
    }

    /// Whether its value needs a sender.
    pub(crate) fn is_from(self) -> bool {
        matches!(self, Self::From | Self::FromDigits)
    }

    /// Whether its value tells one message from all others, the same on every attempt.
    pub(crate) fn identifies(self) -> bool {
        matches!(self, Self::Reference | Self::Id)
    }
}

/// What the variables stand for in one message.
pub(crate) struct Values<'a> {
    pub(crate) submission: &'a Submission,
    /// The provider's own sender, for messages that name none.
    pub(crate) from: Option<SenderId>,
    /// What the provider calls the encoding of this message.
    pub(crate) encoding: &'a str,
    /// The validity that is left.
    pub(crate) remaining: Remaining,
}

impl Values<'_> {
    /// Whether the message has a value for it.
    pub(crate) fn has(&self, variable: Variable) -> bool {
        match variable {
            Variable::CallbackUrl => self.submission.callback_url.is_some(),
            Variable::From | Variable::FromDigits => self.sender().is_some(),
            Variable::TextGsm7 => self.submission.encoding == Encoding::Gsm7,
            Variable::TextUcs2Hex => self.submission.encoding == Encoding::Ucs2,
            _ => true,
        }
    }

    /// The value as text; empty if the message has none.
    pub(crate) fn get(&self, variable: Variable) -> Cow<'_, str> {
        if !self.has(variable) {
            return "".into();
        }
        let message = self.submission;
        match variable {
            Variable::To => String::from(message.to.e164()).into(),
            Variable::ToDigits => String::from(message.to.digits()).into(),
            Variable::From => self.sender_text(|number| number.e164().into()),
            Variable::FromDigits => self.sender_text(|number| number.digits().into()),
            Variable::Text | Variable::TextGsm7 => message.text.as_str().into(),
            Variable::TextUcs2Hex => ucs2_hex(message.text.as_str()).into(),
            Variable::Reference => message.reference.as_str().into(),
            Variable::Id => message.id.to_string().into(),
            Variable::CallbackUrl => match &message.callback_url {
                Some(url) => url.expose().into(),
                None => "".into(),
            },
            Variable::Segments => message.segments.to_string().into(),
            Variable::Encoding => self.encoding.into(),
            Variable::ExpiresAt => message.expires_at.to_string().into(),
            Variable::ExpiresAtUnix
            | Variable::TtlSeconds
            | Variable::TtlMinutes
            | Variable::TtlMs => self.number(variable).to_string().into(),
        }
    }

    /// The value as a number, of a variable that [`is_numeric`](Variable::is_numeric).
    pub(crate) fn number(&self, variable: Variable) -> i64 {
        match variable {
            Variable::ToDigits => i64::try_from(self.submission.to.to_u64()).unwrap_or(i64::MAX),
            Variable::Segments => self.submission.segments.into(),
            Variable::ExpiresAtUnix => self.submission.expires_at.as_millis() / 1_000,
            Variable::TtlSeconds => self.left_in(Duration::from_secs(1)),
            Variable::TtlMinutes => self.left_in(Duration::from_secs(60)),
            Variable::TtlMs => self.left_in(Duration::from_millis(1)),
            _ => 0,
        }
    }

    fn left_in(&self, unit: Duration) -> i64 {
        self.remaining.until(self.submission.expires_at, unit)
    }

    fn sender(&self) -> Option<SenderId> {
        self.submission.from.or(self.from)
    }

    fn sender_text(&self, number: impl Fn(sms_core::PhoneNumber) -> String) -> Cow<'_, str> {
        match self.sender() {
            None => "".into(),
            Some(sender) => match sender.number() {
                Some(phone) => number(phone).into(),
                None => String::from(sender.text()).into(),
            },
        }
    }
}

/// The text in UTF-16, most significant byte first, as hexadecimal digits.
fn ucs2_hex(text: &str) -> String {
    let mut hex = String::with_capacity(4 * text.len());
    for unit in text.encode_utf16() {
        // Writing into a `String` cannot fail.
        let _ = write!(hex, "{unit:04X}");
    }
    hex
}

/// What a provider calls the encodings, where it does not call them `gsm7` and `ucs2`.
pub(crate) fn encoding_name<'a>(
    encoding: Encoding,
    gsm7: Option<&'a str>,
    ucs2: Option<&'a str>,
) -> &'a str {
    let own = match encoding {
        Encoding::Gsm7 => gsm7,
        Encoding::Ucs2 => ucs2,
    };
    own.unwrap_or(encoding.as_str())
}
