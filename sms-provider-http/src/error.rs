//! A provider's configuration was refused.

/// A provider's configuration was refused. Names the key and says what to do; never repeats a
/// value that may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct ConfigError {
    key: String,
    problem: String,
}

impl ConfigError {
    /// `key` as it is written inside the provider's section, such as `body.json.to`; `problem`
    /// in words that say what to write instead.
    pub fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            problem: problem.into(),
        }
    }

    /// The key, as it is written inside the provider's section.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What is wrong with its value and what to write instead.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }
}
