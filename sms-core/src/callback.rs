//! The URL to which a provider posts the reports of one message.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Entropy, MessageId, ProviderName, Reference};

/// 128 random bits that only the provider of a message is told, as part of the callback URL.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback(u128);

impl Callback {
    /// A new token.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self((u128::from(entropy.next_u64()) << 64) | u128::from(entropy.next_u64()))
    }

    /// The token as stored under this number.
    #[must_use]
    pub fn from_u128(bits: u128) -> Self {
        Self(bits)
    }

    /// The token in clear, for a store that keeps it in binary.
    #[must_use]
    pub fn expose_u128(self) -> u128 {
        self.0
    }

    /// Whether the token is this one, in a time that does not tell how much of it is right.
    #[must_use]
    pub fn matches(self, other: Self) -> bool {
        // One comparison of two machine words: there is no prefix to time.
        self.0 ^ other.0 == 0
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback(***)")
    }
}

/// The path of a message's own callback: `/callback/PROVIDER/REFERENCE/TOKEN`, to which the
/// public address of the delivery server is put in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackPath {
    /// Who is to post to it.
    pub provider: ProviderName,
    /// The message.
    pub id: MessageId,
    /// The proof.
    pub token: Callback,
}

impl CallbackPath {
    /// The whole URL below a base such as `https://sms.example.com`.
    #[must_use]
    pub fn url(&self, base: &str) -> String {
        let Self {
            provider,
            id,
            token,
        } = self;
        let base = base.trim_end_matches('/');
        let reference = id.reference();
        format!("{base}/callback/{provider}/{reference}/{:032x}", token.0)
    }
}

/// The path is not that of a message's callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the callback of a message: expected /callback/PROVIDER/REFERENCE/TOKEN")]
pub struct CallbackPathError;

impl FromStr for CallbackPath {
    type Err = CallbackPathError;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = path
            .strip_prefix("/callback/")
            .ok_or(CallbackPathError)?
            .split('/')
            .collect();
        let &[provider, reference, token] = parts.as_slice() else {
            return Err(CallbackPathError);
        };
        let well_formed = token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit());
        let token = u128::from_str_radix(token, 16)
            .ok()
            .filter(|_| well_formed)
            .ok_or(CallbackPathError)?;
        Ok(Self {
            provider: provider.parse().map_err(|_| CallbackPathError)?,
            id: reference
                .parse::<Reference>()
                .map_err(|_| CallbackPathError)?
                .id(),
            token: Callback(token),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SystemEntropy, Timestamp};

    #[test]
    fn a_path_leads_back_to_its_message() {
        let path = CallbackPath {
            provider: "main".parse().unwrap(),
            id: MessageId::generate(Timestamp::from_millis(7), &SystemEntropy),
            token: Callback::generate(&SystemEntropy),
        };
        let url = path.url("https://sms.example.com/");
        let text = url.strip_prefix("https://sms.example.com").unwrap();
        assert_eq!(text.parse(), Ok(path));
    }

    #[test]
    fn other_paths_are_refused() {
        for path in [
            "/callback",
            "/callback/main",
            "/callback/main/0123456789ABCDEF/xyz",
            "/callback/main/0123456789ABCDEF/+0000000000000000000000000000001",
            "/callback/main/short/00000000000000000000000000000000",
            "/callback/main/0123456789ABCDEF/00000000000000000000000000000000/more",
        ] {
            assert_eq!(
                path.parse::<CallbackPath>(),
                Err(CallbackPathError),
                "{path}"
            );
        }
    }

    #[test]
    fn a_token_does_not_show() {
        let shown = format!("{:?}", Callback::generate(&SystemEntropy));
        assert_eq!(shown, "Callback(***)");
    }
}
