//! One `[[provider]]`: what every provider has, and the keys that belong to its kind.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sms_core::{ProviderName, Throughput, duration};

/// One `[[provider]]`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ProviderSection {
    #[serde(flatten)]
    pub(crate) common: Common,
    /// The keys of its kind. They may hold secrets under any name.
    #[serde(flatten)]
    pub(crate) settings: Settings,
}

/// The keys that every provider has.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Common {
    pub(crate) name: ProviderName,
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) throughput: Option<Throughput>,
    #[serde(default = "default_concurrency")]
    pub(crate) concurrency: usize,
    #[serde(default = "default_report_window", with = "duration")]
    pub(crate) report_window: Duration,
    #[serde(default, with = "duration::option")]
    pub(crate) lease: Option<Duration>,
}

/// The engine's default.
fn default_concurrency() -> usize {
    64
}

/// The engine's default.
fn default_report_window() -> Duration {
    sms_core::ProviderRules::default().report_window
}

/// Keys whose meaning only the provider's kind knows.
#[derive(Clone, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Settings(pub(crate) Map<String, Value>);

/// Values may be secrets: only the keys show.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Common {
    /// The names of its keys.
    pub(super) const KEYS: [&'static str; 6] = [
        "name",
        "kind",
        "throughput",
        "concurrency",
        "report_window",
        "lease",
    ];
}

impl ProviderSection {
    pub(super) fn complete() -> Self {
        let name = "main".parse::<ProviderName>();
        Self {
            common: Common {
                name: name.expect("is a name"),
                kind: String::new(),
                throughput: "1/s".parse().ok(),
                concurrency: default_concurrency(),
                report_window: default_report_window(),
                lease: Some(Duration::ZERO),
            },
            settings: Settings::default(),
        }
    }
}
