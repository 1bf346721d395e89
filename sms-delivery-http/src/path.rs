//! What the paths of the server mean.

use std::collections::HashMap;
use std::sync::Arc;

use http::Method;
use sms_core::{CallbackPath, ProviderName, ReportDecoder};

use crate::answer::Refusal;

/// The decoders of the providers, by name.
pub type Decoders = HashMap<ProviderName, Arc<dyn ReportDecoder>>;

/// Whom a request is addressed to.
#[derive(Debug)]
pub(crate) enum Target<'a> {
    /// `/callback`: the callback of the older service.
    Legacy,
    /// `/callback/PROVIDER`: the callback of a provider.
    Provider(&'a ProviderName, &'a dyn ReportDecoder),
    /// `/callback/PROVIDER/REFERENCE/TOKEN`: the callback of one message.
    Message(CallbackPath, &'a dyn ReportDecoder),
}

impl<'a> Target<'a> {
    /// Reads the path and checks that it takes the method.
    pub(crate) fn of(path: &str, method: &Method, decoders: &'a Decoders) -> Result<Self, Refusal> {
        let target = Self::at(path, decoders).ok_or(Refusal::NotFound)?;
        let (fits, allowed) = match target {
            Self::Legacy => (*method == Method::POST, "POST"),
            _ => (matches!(*method, Method::GET | Method::POST), "GET, POST"),
        };
        if fits {
            Ok(target)
        } else {
            Err(Refusal::Method(allowed))
        }
    }

    fn at(path: &str, decoders: &'a Decoders) -> Option<Self> {
        let rest = path.strip_prefix("/callback")?;
        // A slash at the end is a usual slip in what is typed in at a provider.
        let Some(name) = rest.strip_prefix('/').filter(|name| !name.is_empty()) else {
            return matches!(rest, "" | "/").then_some(Self::Legacy);
        };
        if let Ok(path) = path.parse::<CallbackPath>() {
            let decoder = decoders.get(&path.provider)?;
            return Some(Self::Message(path, decoder.as_ref()));
        }
        let name: ProviderName = name.trim_end_matches('/').parse().ok()?;
        let (name, decoder) = decoders.get_key_value(&name)?;
        Some(Self::Provider(name, decoder.as_ref()))
    }
}
