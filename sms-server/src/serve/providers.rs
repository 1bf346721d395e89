//! The configured providers, or the sandbox where there are none.

use std::sync::Arc;
use std::time::Duration;

use sms_core::{ProviderName, ProviderSetup, SenderId};
use sms_delivery_http::Decoders;
use sms_provider_http::sandbox::{Sandbox, SandboxConfig, SandboxKind};
use sms_provider_http::{Built, HttpClient, HttpSettings, Kinds};

use super::role::Roles;
use crate::config::{Loaded, Problem, ProviderSection, Settings};
use crate::failure::chain;

/// What the sandbox is called where nothing else is configured, in configuration and metrics.
pub(super) const SANDBOX: &str = "sandbox";
/// The sender of the sandbox's messages.
const SANDBOX_SENDER: &str = "Sandbox";

/// Everything that belongs to the providers.
pub(crate) struct Providers {
    pub(crate) setups: Vec<ProviderSetup>,
    pub(crate) decoders: Decoders,
    /// Serves as long as it is kept.
    pub(crate) sandbox: Option<Sandbox>,
}

impl Providers {
    /// Makes the providers. Where one of them is the sandbox, workers run it: it takes what they
    /// submit, and posts its reports to wherever they are told to go.
    pub(crate) async fn build(
        loaded: &Loaded,
        http: &HttpSettings,
        roles: Roles,
    ) -> Result<Self, Problem> {
        let refuse = |error: sms_provider_http::ConfigError| {
            loaded.problem(&format!("http.{}", error.key()), error.problem())
        };
        let client = HttpClient::new(http).map_err(refuse)?;
        let sections = &loaded.config.provider;
        let is_sandbox = |section: &ProviderSection| section.common.kind == SANDBOX;
        let wanted = sections.is_empty() || sections.iter().any(is_sandbox);
        let mut providers = Self {
            setups: Vec::new(),
            decoders: Decoders::default(),
            sandbox: match wanted && roles.worker {
                true => Some(start_sandbox().await?),
                false => None,
            },
        };
        let kinds = providers.kinds(&client)?;
        if sections.is_empty() {
            providers.add_sandbox(&kinds)?;
        }
        for (at, section) in sections.iter().enumerate() {
            providers.add(loaded, at, section, &kinds)?;
        }
        Ok(providers)
    }

    /// The longest that a submission takes.
    pub(crate) fn longest_timeout(&self) -> Duration {
        let timeout = |setup: &ProviderSetup| setup.provider.capabilities().timeout;
        self.setups.iter().map(timeout).max().unwrap_or_default()
    }

    fn kinds(&self, client: &HttpClient) -> Result<Kinds, Problem> {
        let from = SenderId::parse(SANDBOX_SENDER).map_err(|e| Problem::general(e.to_string()))?;
        let kind = match &self.sandbox {
            Some(sandbox) => SandboxKind::new(sandbox, from, client),
            None => SandboxKind::elsewhere(from, client),
        };
        Ok(Kinds::new(client).with(SANDBOX, Arc::new(kind)))
    }

    fn add_sandbox(&mut self, kinds: &Kinds) -> Result<(), Problem> {
        let name = SANDBOX.parse::<ProviderName>();
        let name = name.map_err(|error| Problem::general(error.to_string()))?;
        let built = kinds.build(name.clone(), SANDBOX, &Settings::default());
        let built = built.map_err(|error| Problem::general(error.to_string()))?;
        self.setups.push(ProviderSetup::new(built.provider));
        self.decoders.insert(name, built.decoder);
        Ok(())
    }

    fn add(
        &mut self,
        loaded: &Loaded,
        at: usize,
        section: &ProviderSection,
        kinds: &Kinds,
    ) -> Result<(), Problem> {
        let name = section.common.name.clone();
        let kind = &section.common.kind;
        let built = kinds.build(name.clone(), kind, &section.settings);
        let built = built.map_err(|error| {
            loaded.problem(&format!("provider.{at}.{}", error.key()), error.problem())
        })?;
        if self.decoders.contains_key(&name) {
            let words = format!("another provider has the name {name}: give each its own");
            return Err(loaded.problem(&format!("provider.{at}.name"), words));
        }
        self.decoders.insert(name, built.decoder.clone());
        self.setups.push(setup(section, built));
        Ok(())
    }
}

fn setup(section: &ProviderSection, built: Built) -> ProviderSetup {
    ProviderSetup {
        query: built.query,
        throughput: section.common.throughput,
        concurrency: section.common.concurrency,
        report_window: section.common.report_window,
        lease: section.common.lease,
        ..ProviderSetup::new(built.provider)
    }
}

async fn start_sandbox() -> Result<Sandbox, Problem> {
    Sandbox::start(SandboxConfig::default())
        .await
        .map_err(|error| Problem::general(chain(&error)))
}
