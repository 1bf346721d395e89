//! Putting the engine together.

use std::sync::Arc;

use sms_core::{BuildError, Engine, Limiter, Observer, Queue, RetrySchedule, Store};

use super::providers::Providers;
use crate::config::{Keep, Loaded, Problem};

/// What an engine is made over.
pub(crate) struct Parts {
    pub(crate) store: Arc<dyn Store>,
    /// Keeps throughputs beyond this process, where that is needed.
    pub(crate) limiter: Option<Arc<dyn Limiter>>,
    pub(crate) queue: Arc<dyn Queue>,
    /// Whether the queue begins empty at each start.
    pub(crate) queue_forgets: bool,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) retry: RetrySchedule,
    pub(crate) public_url: String,
}

/// Makes the engine.
pub(crate) fn build(
    loaded: &Loaded,
    parts: Parts,
    providers: &Providers,
) -> Result<Engine, Problem> {
    let messages = &loaded.config.messages;
    let mut builder = Engine::builder(parts.store, parts.queue)
        .observer(parts.observer)
        .retry(parts.retry)
        .default_validity(messages.validity)
        .confirm_window(messages.confirm_window)
        .callback_base(parts.public_url);
    if let Keep::For(age) = messages.retention {
        builder = builder.retention(age);
    }
    if let Some(limiter) = parts.limiter {
        builder = builder.limiter(limiter);
    }
    if parts.queue_forgets {
        builder = builder.hint_all_at_start();
    }
    for setup in &providers.setups {
        builder = builder.provider(setup.clone());
    }
    builder.build().map_err(|error| explain(loaded, &error))
}

/// Finds the key that the engine does not agree with.
fn explain(loaded: &Loaded, error: &BuildError) -> Problem {
    let place_of = |name: &sms_core::ProviderName, key: &str| {
        let sections = loaded.config.provider.iter();
        let mut names = sections.map(|section| &section.common.name);
        let at = names.position(|given| given == name)?;
        Some(format!("provider.{at}.{key}"))
    };
    let (key, problem) = match error {
        BuildError::LeaseTooShort { provider, .. } => {
            (place_of(provider, "lease"), error.to_string())
        }
        BuildError::SameName(name) => (place_of(name, "name"), error.to_string()),
        BuildError::InvalidProvider {
            provider,
            setting,
            problem,
        } => (place_of(provider, setting), (*problem).to_owned()),
        BuildError::Invalid { setting, problem } => (key_of(setting), (*problem).to_owned()),
        _ => (None, error.to_string()),
    };
    match key {
        Some(key) => loaded.problem(&key, problem),
        None => Problem::general(error.to_string()),
    }
}

/// The key of a setting of the engine, where the two are not called the same.
fn key_of(setting: &str) -> Option<String> {
    match setting {
        "default_validity" => Some("messages.validity".to_owned()),
        "retention" => Some("messages.retention".to_owned()),
        _ => None,
    }
}
