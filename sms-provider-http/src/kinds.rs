//! From the `kind` that configuration names to a provider.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use sms_core::{Provider, ProviderName, ReportDecoder, StatusQuery};

use crate::generic::HttpKind;
use crate::megafon::MegafonKind;
use crate::{ConfigError, HttpClient, Settings};

/// A kind of provider: makes one from its section of the configuration. Implement it to add a
/// kind of your own, and give it to [`Kinds::with`].
pub trait Kind: Send + Sync + fmt::Debug {
    /// Makes a provider of this kind. Does no input or output.
    ///
    /// # Errors
    /// [`ConfigError`] names the key that is wrong and what to write instead.
    fn build(&self, name: ProviderName, settings: Settings) -> Result<Built, ConfigError>;
}

/// A provider and what belongs to it.
#[derive(Debug, Clone)]
pub struct Built {
    /// Takes messages.
    pub provider: Arc<dyn Provider>,
    /// Reads its reports.
    pub decoder: Arc<dyn ReportDecoder>,
    /// Asks it what became of a message, where it can be asked.
    pub query: Option<Arc<dyn StatusQuery>>,
}

/// The kinds of provider that configuration may name.
#[derive(Debug, Clone)]
pub struct Kinds(BTreeMap<String, Arc<dyn Kind>>);

impl Kinds {
    /// The kinds of this crate, `megafon` and `http`. All their providers share `client`.
    #[must_use]
    pub fn new(client: &HttpClient) -> Self {
        Self(BTreeMap::new())
            .with("megafon", Arc::new(MegafonKind::new(client.clone())))
            .with("http", Arc::new(HttpKind::new(client.clone())))
    }

    /// Adds a kind, or replaces the one of that name.
    #[must_use]
    pub fn with(mut self, kind: impl Into<String>, maker: Arc<dyn Kind>) -> Self {
        self.0.insert(kind.into(), maker);
        self
    }

    /// The names of the kinds, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Makes the provider that a section of the configuration describes.
    ///
    /// # Errors
    /// [`ConfigError`] names the key that is wrong and what to write instead.
    pub fn build(
        &self,
        name: ProviderName,
        kind: &str,
        settings: &impl Serialize,
    ) -> Result<Built, ConfigError> {
        let maker = self.0.get(kind).ok_or_else(|| {
            let known: Vec<_> = self.names().collect();
            let known = known.join(", ");
            ConfigError::new("kind", format!("{kind:?} is unknown; write one of {known}"))
        })?;
        maker.build(name, Settings::new(settings)?)
    }
}
