//! Passwords, tokens and keys.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What is shown in place of a secret.
const MASK: &str = "***";

/// A text that never shows itself: `Debug`, `Display` and serde write `***`. Its memory is
/// overwritten when it is dropped.
///
/// There is no `PartialEq`: comparing with `==` takes longer the more of a guess is right.
/// [`matches`](Self::matches) does not.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Keeps `text` secret from here on.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text in clear, for the one place that sends or checks it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the secret is the empty text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares in a time that does not depend on where the two differ.
    ///
    /// An empty secret matches nothing: a password that was forgotten in the configuration must
    /// not let in whoever sends none.
    #[must_use]
    pub fn matches(&self, candidate: &str) -> bool {
        // Digests are equally long whatever the texts are, so the length is not told either.
        let ours = Sha256::digest(self.0.as_bytes());
        let theirs = Sha256::digest(candidate.as_bytes());
        let same: bool = ours.as_slice().ct_eq(theirs.as_slice()).into();
        same && !self.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

impl<'de> Deserialize<'de> for Secret {
    /// Refuses the mask itself: a configuration that was printed with its secrets masked must not
    /// be taken for a complete one.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let secret = Self::new(String::deserialize(deserializer)?);
        if secret.expose() == MASK {
            return Err(de::Error::custom(
                "*** stands for a secret that was masked; write the secret itself",
            ));
        }
        Ok(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_shows_itself() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"***\"");
    }

    #[test]
    fn is_shown_on_purpose_only() {
        assert_eq!(Secret::from("hunter2").expose(), "hunter2");
    }

    #[test]
    fn matches_the_same_text_only() {
        let secret = Secret::new("hunter2");
        assert!(secret.matches("hunter2"));
        for other in ["", "hunter", "hunter22", "Hunter2", "***"] {
            assert!(!secret.matches(other), "{other}");
        }
    }

    #[test]
    fn empty_matches_nothing() {
        assert!(!Secret::new("").matches(""));
    }

    #[test]
    fn is_read_from_a_string() {
        let secret: Secret = serde_json::from_str("\"hunter2\"").unwrap();
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn its_mask_is_not_read_as_a_secret() {
        let error = serde_json::from_str::<Secret>("\"***\"").unwrap_err();
        assert!(error.to_string().contains("masked"), "{error}");
    }
}
