//! Short names: of providers, tenants, idempotency keys, and the ids that providers give.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {problem}")]
pub struct NameError {
    what: &'static str,
    problem: &'static str,
}

fn check(
    what: &'static str,
    text: &str,
    longest: usize,
    allowed: fn(char) -> bool,
    rule: &'static str,
) -> Result<(), NameError> {
    let problem = if text.is_empty() {
        "is empty"
    } else if text.len() > longest || !text.chars().all(allowed) {
        rule
    } else {
        return Ok(());
    };
    Err(NameError { what, problem })
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $longest:literal, $allowed:expr, $rule:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The longest one, in bytes.
            pub const LONGEST: usize = $longest;

            /// As text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                check($what, text, $longest, $allowed, $rule)?;
                Ok(Self(text.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_ref().into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.')
}

fn printable(character: char) -> bool {
    character.is_ascii_graphic() || character == ' '
}

name!(
    /// The name that configuration gives to a provider; part of callback paths and metrics.
    ProviderName,
    "provider name",
    32,
    word,
    "may have at most 32 characters of A-Z, a-z, 0-9, '-', '_' and '.'"
);

name!(
    /// Whose message it is. One installation may serve several tenants that see nothing of each
    /// other; [`TenantId::default`] is the one of an installation without API keys.
    TenantId,
    "tenant",
    64,
    word,
    "may have at most 64 characters of A-Z, a-z, 0-9, '-', '_' and '.'"
);

name!(
    /// The client's own key for a message: sending twice with one key sends once.
    IdempotencyKey,
    "idempotency key",
    255,
    printable,
    "may have at most 255 printable ASCII characters"
);

name!(
    /// The id that a provider gave to a message.
    ProviderId,
    "provider id",
    255,
    printable,
    "may have at most 255 printable ASCII characters"
);

impl Default for TenantId {
    fn default() -> Self {
        Self("default".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_is_wrong_with_it() {
        let problem = |text: &str| text.parse::<ProviderName>().unwrap_err().to_string();
        assert_eq!(problem(""), "provider name: is empty");
        assert!(problem("a b").starts_with("provider name: may have at most 32"));
        assert!(problem(&"x".repeat(33)).contains("32"));
        assert!("main-2".parse::<ProviderName>().is_ok());
    }

    #[test]
    fn an_idempotency_key_takes_spaces_but_no_control_characters() {
        assert!("order 17 / code".parse::<IdempotencyKey>().is_ok());
        assert!("a\0b".parse::<IdempotencyKey>().is_err());
        assert!("x".repeat(256).parse::<IdempotencyKey>().is_err());
    }
}
