//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::path::KeyPath;

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a file; line and column count from 1.
    File {
        file: Arc<PathBuf>,
        line: usize,
        column: usize,
    },
    /// In an environment variable.
    Variable(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line, column } => {
                write!(f, "{}:{line}:{column}", file.display())
            }
            Self::Variable(name) => write!(f, "environment variable {name}"),
        }
    }
}

/// One mistake, in one line: where, which key, what is wrong, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) place: Option<Place>,
    pub(crate) key: Option<KeyPath>,
    pub(crate) words: String,
}

impl Problem {
    /// A mistake at a key.
    pub(crate) fn at(key: KeyPath, place: Option<&Place>, words: impl Into<String>) -> Self {
        Self {
            place: place.cloned(),
            key: Some(key),
            words: words.into(),
        }
    }

    /// A mistake that no key can be blamed for.
    pub(crate) fn general(words: impl Into<String>) -> Self {
        Self {
            place: None,
            key: None,
            words: words.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if let Some(key) = self.key.as_ref().filter(|key| !key.0.is_empty()) {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.words)
    }
}

/// Every mistake that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
