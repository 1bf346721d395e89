//! What can be meant, but often is not: told in the log when the server starts.

use std::net::IpAddr;

use sms_core::{CallbackSupport, ProviderName, ProviderSetup};

use super::providers::{Providers, SANDBOX};
use super::role::Roles;
use crate::config::{Loaded, ProviderSection};

/// What a server without a provider is.
const SENDS_NOTHING: &str = "no [[provider]] is configured: a sandbox takes the messages, reports \
                             them delivered, and sends nothing";

/// That no message reaches a phone, where that is so.
pub(super) fn sends_nothing(loaded: &Loaded) -> Option<&'static str> {
    loaded.config.provider.is_empty().then_some(SENDS_NOTHING)
}

/// Tells all doubts.
pub(super) fn tell(loaded: &Loaded, roles: Roles, providers: &Providers) {
    if let Some(words) = sends_nothing(loaded) {
        tracing::warn!("{words}");
    }
    // Workers tell providers where to post their reports.
    if !roles.worker || loaded.is_given("delivery.public_url") {
        return;
    }
    if !is_loopback(&loaded.config.delivery.listen.ip()) {
        return;
    }
    for name in unreached(&loaded.config.provider, &providers.setups) {
        tracing::warn!(
            provider = %name,
            listen = %loaded.config.delivery.listen,
            "the provider is told to post its reports to this machine's own loopback address, so \
             none will come: set delivery.public_url to where it reaches this server"
        );
    }
}

/// The providers that are told an address on loopback with each message and are not there.
fn unreached<'a>(
    sections: &'a [ProviderSection],
    setups: &'a [ProviderSetup],
) -> impl Iterator<Item = &'a ProviderName> {
    let is_told = |name: &ProviderName| {
        let mut setups = setups.iter().map(|setup| &setup.provider);
        let named = setups.find(|provider| provider.name() == name);
        named.is_some_and(|it| it.capabilities().callback == CallbackSupport::PerMessage)
    };
    sections
        .iter()
        .filter(|section| section.common.kind != SANDBOX && !is_here(section))
        .map(|section| &section.common.name)
        .filter(move |name| is_told(name))
}

/// Whether the provider is on this machine: a test of the whole way.
fn is_here(section: &ProviderSection) -> bool {
    let url = section.settings.0.get("url").and_then(|url| url.as_str());
    url.and_then(host)
        .is_some_and(|host| match host.parse::<IpAddr>() {
            Ok(ip) => is_loopback(&ip),
            Err(_) => host.eq_ignore_ascii_case("localhost"),
        })
}

/// The host of a URL, which was checked by whoever uses it.
fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let address = authority.rsplit('@').next()?;
    match address.strip_prefix('[') {
        Some(v6) => v6.split(']').next(),
        None => address.split(':').next(),
    }
}

fn is_loopback(ip: &IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_found_in_every_form_of_a_url() {
        for (url, expected) in [
            ("http://127.0.0.1:8090/x", Some("127.0.0.1")),
            ("https://me:pass@host/a?b=c@d", Some("host")),
            ("http://[::1]:8090", Some("::1")),
            ("https://host?x=/", Some("host")),
            ("host/x", None),
        ] {
            assert_eq!(host(url), expected, "{url}");
        }
    }
}
