//! The variables of a template and what they stand for.

use std::borrow::Cow;

use sms_core::{Encoding, SenderId, Submission};

/// A part of a message. None depends on the attempt, so that every attempt sends the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variable {
    To,
    ToDigits,
    From,
    FromDigits,
    Text,
    Reference,
    Id,
    CallbackUrl,
    Segments,
    Encoding,
    ExpiresAt,
    ExpiresAtUnix,
}

const NAMES: [(&str, Variable); 12] = [
    ("to", Variable::To),
    ("to_digits", Variable::ToDigits),
    ("from", Variable::From),
    ("from_digits", Variable::FromDigits),
    ("text", Variable::Text),
    ("reference", Variable::Reference),
    ("id", Variable::Id),
    ("callback_url", Variable::CallbackUrl),
    ("segments", Variable::Segments),
    ("encoding", Variable::Encoding),
    ("expires_at", Variable::ExpiresAt),
    ("expires_at_unix", Variable::ExpiresAtUnix),
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
        matches!(self, Self::ToDigits | Self::Segments | Self::ExpiresAtUnix)
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
}

impl Values<'_> {
    /// Whether the message has a value for it.
    pub(crate) fn has(&self, variable: Variable) -> bool {
        match variable {
            Variable::CallbackUrl => self.submission.callback_url.is_some(),
            Variable::From | Variable::FromDigits => self.sender().is_some(),
            _ => true,
        }
    }

    /// The value as text; empty if the message has none.
    pub(crate) fn get(&self, variable: Variable) -> Cow<'_, str> {
        let message = self.submission;
        match variable {
            Variable::To => String::from(message.to.e164()).into(),
            Variable::ToDigits => String::from(message.to.digits()).into(),
            Variable::From => self.sender_text(|number| number.e164().into()),
            Variable::FromDigits => self.sender_text(|number| number.digits().into()),
            Variable::Text => message.text.as_str().into(),
            Variable::Reference => message.reference.as_str().into(),
            Variable::Id => message.id.to_string().into(),
            Variable::CallbackUrl => match &message.callback_url {
                Some(url) => url.expose().into(),
                None => "".into(),
            },
            Variable::Segments => message.segments.to_string().into(),
            Variable::Encoding => self.encoding.into(),
            Variable::ExpiresAt => message.expires_at.to_string().into(),
            Variable::ExpiresAtUnix => self.expires_at_unix().to_string().into(),
        }
    }

    /// The value as a number, of a variable that [`is_numeric`](Variable::is_numeric).
    pub(crate) fn number(&self, variable: Variable) -> i64 {
        match variable {
            Variable::ToDigits => i64::try_from(self.submission.to.to_u64()).unwrap_or(i64::MAX),
            Variable::Segments => self.submission.segments.into(),
            Variable::ExpiresAtUnix => self.expires_at_unix(),
            _ => 0,
        }
    }

    fn expires_at_unix(&self) -> i64 {
        self.submission.expires_at.as_millis() / 1_000
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
