//! What the paths of the server mean.

use std::collections::HashMap;
use std::sync::Arc;

use http::Method;
use sms_core::{CallbackPath, Proof, ProviderName, ReportDecoder};

use crate::answer::Refusal;

/// The decoders of the providers, by name.
pub type Decoders = HashMap<ProviderName, Arc<dyn ReportDecoder>>;

/// Whom a request is addressed to.
#[derive(Debug)]
pub(crate) enum Target<'a> {
    /// `/callback`: the callback of the older service.
    Legacy,
    /// `/callback/PROVIDER`, or `/callback/PROVIDER/TOKEN` with the right token where the
    /// provider has one: the callback of a provider.
    Provider(&'a ProviderName, &'a dyn ReportDecoder),
    /// `/callback/PROVIDER/REFERENCE/TOKEN`: the callback of one message.
    Message(CallbackPath, &'a dyn ReportDecoder),
}

impl<'a> Target<'a> {
    /// Reads the path and checks that it takes the method.
    pub(crate) fn of(path: &str, method: &Method, decoders: &'a Decoders) -> Result<Self, Refusal> {
        let target = Self::at(path, decoders)?;
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

    fn at(path: &str, decoders: &'a Decoders) -> Result<Self, Refusal> {
        let rest = path.strip_prefix("/callback").ok_or(Refusal::NotFound)?;
        // A slash at the end is a usual slip in what is typed in at a provider.
        let Some(rest) = rest.strip_prefix('/').filter(|rest| !rest.is_empty()) else {
            let legacy = matches!(rest, "" | "/").then_some(Self::Legacy);
            return legacy.ok_or(Refusal::NotFound);
        };
        if let Ok(path) = path.parse::<CallbackPath>() {
            let decoder = decoders.get(&path.provider).ok_or(Refusal::NotFound)?;
            return Ok(Self::Message(path, decoder.as_ref()));
        }
        Self::provider(rest.trim_end_matches('/'), decoders)
    }

    /// `PROVIDER` or `PROVIDER/TOKEN`.
    fn provider(rest: &str, decoders: &'a Decoders) -> Result<Self, Refusal> {
        let (name, token) = match rest.split_once('/') {
            Some((name, token)) => (name, Some(token)),
            None => (rest, None),
        };
        let name: ProviderName = name.parse().map_err(|_| Refusal::NotFound)?;
        let (name, decoder) = decoders.get_key_value(&name).ok_or(Refusal::NotFound)?;
        let right = match (decoder.proof(), token) {
            (Proof::Token(secret), token) => secret.matches(token.unwrap_or_default()),
            (_, token) => token.is_none(),
        };
        if right {
            Ok(Self::Provider(name, decoder.as_ref()))
        } else {
            Err(Refusal::Token)
        }
    }

    /// Whose decoder reads what comes, if it is a provider's.
    pub(crate) fn decoder(&self) -> Option<(&ProviderName, &'a dyn ReportDecoder)> {
        match self {
            Self::Legacy => None,
            Self::Provider(name, decoder) => Some((*name, *decoder)),
            Self::Message(path, decoder) => Some((&path.provider, *decoder)),
        }
    }
}
