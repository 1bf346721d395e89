//! Where the broker is.

use std::fmt;

use lapin::uri::{AMQPScheme, AMQPUri};

use crate::{ConnectError, Options};

/// Seconds between heartbeats unless the address says otherwise. A dead connection is noticed
/// after twice this time, or earlier by our own checks.
const HEARTBEAT: u16 = 10;

/// What an address may say after the `?` to the client library.
const PARAMETERS: [&str; 4] = ["heartbeat", "frame_max", "channel_max", "auth_mechanism"];

/// The address of a broker. Never shows its password.
#[derive(Clone)]
pub(crate) struct Address(AMQPUri);

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Self, ConnectError> {
        let refuse = |problem: String| ConnectError::Address { problem };
        if !text.starts_with("amqp://") && !text.starts_with("amqps://") {
            return Err(refuse("must begin with amqp:// or amqps://".to_owned()));
        }
        check_form(text).map_err(refuse)?;
        // The reasons that the parser gives may repeat the address.
        let mut uri: AMQPUri = text.parse().map_err(|_| {
            refuse("is not a URL, or has a number or an auth_mechanism that cannot be read".into())
        })?;
        if let Some(host) = ipv6_host(text) {
            uri.authority.host = host.to_owned();
        }
        if uri.vhost.is_empty() {
            // `amqp://host/` names the virtual host with the empty name, which nobody has.
            uri.vhost = "/".to_owned();
        }
        uri.query.heartbeat = uri.query.heartbeat.or(Some(HEARTBEAT));
        Ok(Self(uri))
    }

    pub(crate) fn uri(&self) -> AMQPUri {
        self.0.clone()
    }
}

/// What follows would quote parts of the password.
fn check_form(text: &str) -> Result<(), String> {
    let (_, rest) = text.split_once("://").unwrap_or_default();
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    if rest[authority..].contains('@') {
        let escape = "has a /, ? or # in the password: write them as %2F, %3F and %23, an @ as %40";
        return Err(escape.to_owned());
    }
    check_parameters(text)
}

fn check_parameters(text: &str) -> Result<(), String> {
    for pair in pairs(text) {
        let key = pair.split('=').next().unwrap_or_default();
        if !PARAMETERS.contains(&key) {
            let known = [&PARAMETERS[..], &crate::options::PARAMETERS]
                .concat()
                .join(", ");
            return Err(format!(
                "has the unknown parameter {key:?} (there are {known})"
            ));
        }
    }
    Ok(())
}

/// What stands after the `?`, pair by pair.
fn pairs(text: &str) -> impl Iterator<Item = &str> {
    let query = text.split_once('?').map_or("", |(_, query)| query);
    let query = query.split('#').next().unwrap_or_default();
    query.split('&').filter(|pair| !pair.is_empty())
}

/// Takes the parameters out of an address that are options of the queue.
pub(crate) fn take_options(text: &str, options: &mut Options) -> Result<String, ConnectError> {
    let (place, _) = text.split_once('?').unwrap_or((text, ""));
    let mut others = Vec::new();
    for pair in pairs(text) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !options.set(key, value)? {
            others.push(pair);
        }
    }
    Ok(match others.is_empty() {
        true => place.to_owned(),
        false => format!("{place}?{}", others.join("&")),
    })
}

/// The parser takes an IPv6 address for no host at all, and that for `localhost`.
fn ipv6_host(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    host.strip_prefix('[')?.split(']').next()
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.0.scheme {
            AMQPScheme::AMQP => "amqp",
            AMQPScheme::AMQPS => "amqps",
        };
        let authority = &self.0.authority;
        let vhost = self.0.vhost.trim_start_matches('/');
        write!(
            f,
            "{scheme}://{}:{}/{vhost}",
            authority.host, authority.port
        )
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> AMQPUri {
        Address::parse(text).unwrap().uri()
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let uri = parse("amqp://broker.example");
        assert_eq!(uri.authority.host, "broker.example");
        assert_eq!(uri.authority.port, 5672);
        assert_eq!(uri.authority.userinfo.username, "guest");
        assert_eq!(uri.query.heartbeat, Some(10));
        assert_eq!(parse("amqps://broker.example").authority.port, 5671);
        assert_eq!(
            parse("amqp://broker.example?heartbeat=3").query.heartbeat,
            Some(3)
        );
    }

    #[test]
    fn every_spelling_of_the_default_virtual_host_is_it() {
        for text in [
            "amqp://h",
            "amqp://h/",
            "amqp://h/%2f",
            "amqp://h/?heartbeat=5",
        ] {
            assert_eq!(parse(text).vhost, "/", "{text}");
        }
        assert_eq!(parse("amqp://h/tenant%2Fa").vhost, "tenant/a");
    }

    #[test]
    fn an_ipv6_address_is_not_taken_for_localhost() {
        let uri = parse("amqp://user:p%40ss@[2001:db8::1]:5673/v");
        assert_eq!(uri.authority.host, "2001:db8::1");
        assert_eq!(uri.authority.port, 5673);
        assert_eq!(uri.authority.userinfo.password, "p@ss");
    }

    #[test]
    fn a_wrong_address_says_what_is_wrong_and_hides_the_password() {
        for (text, hint) in [
            ("redis://u:geheim@h", "amqp://"),
            ("amqp://u:geheim@h:99999/", "not a URL"),
            ("amqp://u:geheim@h?heartbeat=often", "number"),
            ("amqp://u:geheim@h?hartbeat=10", "hartbeat"),
            ("amqp://u:geheim/geheim@h", "%2F"),
            ("amqp://u:geheim?geheim@h", "%3F"),
        ] {
            let error = Address::parse(text).unwrap_err();
            assert!(error.to_string().contains(hint), "{text}: {error}");
            assert!(!format!("{error} {error:?}").contains("geheim"), "{text}");
        }
    }

    #[test]
    fn options_are_taken_out_of_an_address() {
        let mut options = Options::default();
        let text = "amqp://h/v?prefix=a.b&heartbeat=5&prefetch=7&timeout=2s&delivery_limit=3";
        let rest = take_options(text, &mut options).unwrap();
        assert_eq!(rest, "amqp://h/v?heartbeat=5");
        assert_eq!(options.prefix, "a.b");
        assert_eq!(options.prefetch.get(), 7);
        assert_eq!(options.delivery_limit.get(), 3);
        assert_eq!(options.timeout.as_secs(), 2);
        for (text, key) in [
            ("amqp://h?prefetch=0", "prefetch"),
            ("amqp://h?delivery_limit=x", "delivery_limit"),
            ("amqp://h?timeout=5", "timeout"),
            ("amqp://h?ca_file=/nowhere.pem", "ca_file"),
        ] {
            let error = take_options(text, &mut options).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }

    #[test]
    fn an_address_never_shows_its_password() {
        let address = Address::parse("amqp://u:geheim@h:5672/v").unwrap();
        assert_eq!(
            format!("{address} {address:?}"),
            "amqp://h:5672/v amqp://h:5672/v"
        );
    }
}
