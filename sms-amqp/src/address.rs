//! Where the broker is.

use std::fmt;

use lapin::uri::{AMQPScheme, AMQPUri};

use crate::ConnectError;

/// Seconds between heartbeats unless the address says otherwise. A dead connection is noticed
/// after twice this time, or earlier by our own checks.
const HEARTBEAT: u16 = 10;

/// What an address may say after the `?`.
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
        check_parameters(text).map_err(refuse)?;
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

fn check_parameters(text: &str) -> Result<(), String> {
    let Some((_, query)) = text.split_once('?') else {
        return Ok(());
    };
    let query = query.split('#').next().unwrap_or_default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let key = pair.split('=').next().unwrap_or_default();
        if !PARAMETERS.contains(&key) {
            let known = PARAMETERS.join(", ");
            return Err(format!(
                "has the unknown parameter {key:?} (there are {known})"
            ));
        }
    }
    Ok(())
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
        ] {
            let error = Address::parse(text).unwrap_err();
            assert!(error.to_string().contains(hint), "{text}: {error}");
            assert!(!format!("{error} {error:?}").contains("geheim"), "{text}");
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
