//! Who calls.

use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use sms_core::TenantId;

use crate::api_key::{ApiKey, ApiKeys, Scope, Scopes, is_well_formed};
use crate::refusal::Refusal;

/// Who calls, and what they may do.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) tenant: TenantId,
    scopes: Scopes,
    /// The key that was shown; none where none is asked for.
    key: Option<Arc<ApiKey>>,
}

impl Caller {
    /// Reads the caller off the headers of a call. Without any keys, everyone is the default
    /// tenant: such a server listens on loopback only, or its operator wanted it so.
    pub(crate) fn from_headers(headers: &HeaderMap, keys: &ApiKeys) -> Result<Self, Refusal> {
        if keys.is_empty() {
            return Ok(Self {
                tenant: TenantId::default(),
                scopes: Scopes::ALL,
                key: None,
            });
        }
        let presented = bearer(headers).ok_or(Refusal::ApiKeyMissing)?;
        let key = keys.find(presented).ok_or(if is_well_formed(presented) {
            Refusal::ApiKeyUnknown
        } else {
            Refusal::ApiKeyMalformed
        })?;
        Ok(Self {
            tenant: key.tenant.clone(),
            scopes: key.scopes,
            key: Some(Arc::clone(key)),
        })
    }

    /// What the operator calls the key that was shown.
    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_ref().map(|key| &*key.name)
    }

    /// The caller of a request that was let in, if they may do this.
    pub(crate) fn of<T>(request: &tonic::Request<T>, scope: Scope) -> Result<&Self, Refusal> {
        let caller = request.extensions().get::<Self>();
        let caller = caller.ok_or(Refusal::ApiKeyMissing)?;
        if caller.scopes.allow(scope) {
            Ok(caller)
        } else {
            Err(Refusal::ScopeMissing(scope))
        }
    }
}

/// What stands behind `Bearer`, which may be written in any case (RFC 9110, 11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_a_bearer_is_read() {
        let read = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(read("Bearer sms_x").as_deref(), Some("sms_x"));
        assert_eq!(read("bearer  sms_x ").as_deref(), Some("sms_x"));
        for other in ["sms_x", "Basic sms_x", "Bearersms_x", ""] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
