//! Reading options from a URL.

use std::str::FromStr;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use sms_core::{Secret, duration};

use crate::{ConnectError, Options, Place};

const PORT: &str = "6379";
const SENTINEL_PORT: &str = "26379";
const TIMEOUTS: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(60);

fn problem(key: &str, problem: impl Into<String>) -> ConnectError {
    ConnectError::Option {
        key: key.to_owned(),
        problem: problem.into(),
    }
}

impl FromStr for Options {
    type Err = ConnectError;

    fn from_str(url: &str) -> Result<Self, ConnectError> {
        let forms = "write redis://host:6379/0, redis+cluster://host:6379,host:6379 or \
                     redis+sentinel://host:26379/name; with TLS rediss://";
        let (scheme, rest) = url
            .split_once("://")
            .ok_or_else(|| problem("form", forms))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        // What follows would quote parts of the password.
        if path.contains('@') || query.contains('@') {
            let escape = "has a / or ? in the password: write them as %2F and %3F, and an @ as %40";
            return Err(problem("password", escape));
        }
        let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (family, tls) = family(scheme).ok_or_else(|| problem("form", forms))?;
        let place = match family {
            "" => single(hosts, path)?,
            "+cluster" => cluster(hosts, path)?,
            "+sentinel" => sentinel(hosts, path)?,
            _ => return Err(problem("form", forms)),
        };
        let mut options = Self::new(place);
        options.tls = tls;
        options.log_in(login)?;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            options.set(key, &decoded(key, value)?)?;
        }
        Ok(options)
    }
}

/// What follows the product's name in the scheme, and whether connections are encrypted.
fn family(scheme: &str) -> Option<(&str, bool)> {
    const PRODUCTS: [(&str, bool); 4] = [
        ("rediss", true),
        ("redis", false),
        ("valkeys", true),
        ("valkey", false),
    ];
    let family = |(product, tls): &(&str, bool)| Some((scheme.strip_prefix(product)?, *tls));
    PRODUCTS.iter().find_map(family)
}

fn single(hosts: &str, path: &str) -> Result<Place, ConnectError> {
    let [address] = addresses(hosts, PORT)?.try_into().map_err(|_| {
        let several = "has several; write redis+cluster:// for a cluster";
        problem("host", several)
    })?;
    let database = database(path)?;
    Ok(Place::Single { address, database })
}

fn cluster(hosts: &str, path: &str) -> Result<Place, ConnectError> {
    if database(path)? != 0 {
        return Err(problem("database", "a cluster has only the database 0"));
    }
    let seeds = addresses(hosts, PORT)?;
    Ok(Place::Cluster { seeds })
}

fn sentinel(hosts: &str, path: &str) -> Result<Place, ConnectError> {
    let (master, number) = path.split_once('/').unwrap_or((path, ""));
    if master.is_empty() {
        let missing = "is missing; write redis+sentinel://host:26379/NAME";
        return Err(problem("name of the master", missing));
    }
    Ok(Place::Sentinel {
        sentinels: addresses(hosts, SENTINEL_PORT)?,
        master: decoded("name of the master", master)?,
        database: database(number)?,
    })
}

fn database(text: &str) -> Result<u16, ConnectError> {
    if text.is_empty() {
        return Ok(0);
    }
    let number = text.parse();
    number.map_err(|_| problem("database", "is not a number; write redis://host:6379/0"))
}

fn addresses(hosts: &str, port: &str) -> Result<Vec<String>, ConnectError> {
    hosts.split(',').map(|host| address(host, port)).collect()
}

fn address(host: &str, usual: &str) -> Result<String, ConnectError> {
    let (name, port) = match host.rsplit_once(':') {
        // An address of IPv6 stands in brackets, and has colons of its own.
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, usual),
    };
    if name.is_empty() || port.parse::<u16>().is_err() {
        return Err(problem("host", "is not host:port"));
    }
    Ok(format!("{name}:{port}"))
}

fn decoded(key: &str, text: &str) -> Result<String, ConnectError> {
    let text = percent_decode_str(text).decode_utf8();
    text.map(String::from)
        .map_err(|_| problem(key, "is not UTF-8 after decoding its % signs"))
}

fn parsed<T: FromStr>(key: &str, value: &str, form: &str) -> Result<T, ConnectError> {
    let value = value.parse();
    value.map_err(|_| problem(key, format!("write {form}")))
}

impl Options {
    fn log_in(&mut self, login: &str) -> Result<(), ConnectError> {
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let (user, password) = (decoded("user", user)?, decoded("password", password)?);
        self.user = Some(user).filter(|user| !user.is_empty());
        self.password = (!password.is_empty()).then(|| Secret::new(password));
        Ok(())
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), ConnectError> {
        match key {
            "prefix" => self.prefix = value.to_owned(),
            "ca_file" => self.ca_file = Some(value.into()),
            "timeout" => {
                let parsed = duration::parse_duration(value);
                self.timeout = parsed.map_err(|error| problem(key, error.to_string()))?;
            }
            "shards" => self.shards = parsed(key, value, "a number from 1 to 256")?,
            "wait_replicas" => self.wait_replicas = parsed(key, value, "a number")?,
            _ => *self.danger(key)? = parsed(key, value, "true or false")?,
        }
        self.check()
    }

    fn danger(&mut self, key: &str) -> Result<&mut bool, ConnectError> {
        match key {
            "dangerously_allow_eviction" => Ok(&mut self.dangerously_allow_eviction),
            "dangerously_allow_no_append_only_file" => {
                Ok(&mut self.dangerously_allow_no_append_only_file)
            }
            "dangerously_allow_late_fsync" => Ok(&mut self.dangerously_allow_late_fsync),
            "dangerously_allow_unchecked_settings" => {
                Ok(&mut self.dangerously_allow_unchecked_settings)
            }
            _ => {
                let known = "is unknown; there are prefix, ca_file, timeout, shards, \
                             wait_replicas and dangerously_allow_…";
                Err(problem(key, known))
            }
        }
    }

    /// Whether every option makes sense.
    pub(crate) fn check(&self) -> Result<(), ConnectError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        if !(1..=32).contains(&self.prefix.len()) || !self.prefix.bytes().all(allowed) {
            return Err(problem(
                "prefix",
                "must have 1 to 32 characters of A-Z, a-z, 0-9, '.', '_', ':' and '-'",
            ));
        }
        if !(1..=256).contains(&self.shards) {
            return Err(problem("shards", "must be from 1 to 256"));
        }
        if !TIMEOUTS.contains(&self.timeout) {
            return Err(problem("timeout", "must be from 100ms to 60s"));
        }
        if self.ca_file.is_some() && !self.tls {
            return Err(problem("ca_file", "needs TLS; write rediss://"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read() {
        let single = |address: &str, database| Place::Single {
            address: address.to_owned(),
            database,
        };
        let strings = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        for (url, expected) in [
            ("redis://db", single("db:6379", 0)),
            ("redis://db/", single("db:6379", 0)),
            ("redis://me:pw@db:7000/3?timeout=1s", single("db:7000", 3)),
            ("redis://[::1]:7000", single("[::1]:7000", 0)),
            ("rediss://[::1]", single("[::1]:6379", 0)),
            ("valkey://db/1", single("db:6379", 1)),
            (
                "redis+cluster://a,b:2",
                Place::Cluster {
                    seeds: strings(&["a:6379", "b:2"]),
                },
            ),
            (
                "rediss+sentinel://a,b:2/main/4",
                Place::Sentinel {
                    sentinels: strings(&["a:26379", "b:2"]),
                    master: "main".to_owned(),
                    database: 4,
                },
            ),
        ] {
            let options: Options = url.parse().unwrap();
            assert_eq!(options.place, expected, "{url}");
            assert_eq!(options.tls, url.starts_with("rediss"), "{url}");
        }
    }

    #[test]
    fn a_login_is_read_and_does_not_show() {
        let options: Options = "redis://me:p%40ss%2Fw%3Ard@db".parse().unwrap();
        assert_eq!(options.user.as_deref(), Some("me"));
        assert_eq!(options.password.as_ref().unwrap().expose(), "p@ss/w:rd");
        assert!(!format!("{options:?}").contains("p@ss"));
        let options: Options = "redis://:pw@db".parse().unwrap();
        assert_eq!(options.user, None);
    }

    #[test]
    fn options_are_read() {
        let url = "redis://db?prefix=a:b&timeout=500ms&shards=4&wait_replicas=2\
                   &dangerously_allow_eviction=true";
        let options: Options = url.parse().unwrap();
        assert_eq!(options.prefix, "a:b");
        assert_eq!(options.timeout, Duration::from_millis(500));
        assert_eq!((options.shards, options.wait_replicas), (4, 2));
        assert!(options.dangerously_allow_eviction);
        assert!(!options.dangerously_allow_late_fsync);
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for (url, key) in [
            ("db:6379", "form"),
            ("http://db", "form"),
            ("redis+x://db", "form"),
            ("redis://", "host"),
            ("redis://:hunter2/hunter2@db", "password"),
            ("redis://:hunter2?hunter2@db", "password"),
            ("redis://db:x", "host"),
            ("redis://a,b", "host"),
            ("redis://db/x", "database"),
            ("redis+cluster://db/1", "database"),
            ("redis+sentinel://db", "name of the master"),
            ("redis://db?prefix=", "prefix"),
            ("redis://db?prefix={a}", "prefix"),
            ("redis://db?timeout=x", "timeout"),
            ("redis://db?timeout=1ms", "timeout"),
            ("redis://db?shards=0", "shards"),
            ("redis://db?shards=257", "shards"),
            ("redis://db?ca_file=/x", "ca_file"),
            ("redis://db?wait_replicas=-1", "wait_replicas"),
            (
                "redis://db?dangerously_allow_eviction=yes",
                "dangerously_allow_eviction",
            ),
            (
                "redis://db?dangerously_allow_all=true",
                "dangerously_allow_all",
            ),
            ("redis://:secret@db?tmeout=1s", "tmeout"),
        ] {
            let refused: Result<Options, _> = url.parse();
            match refused {
                Err(ConnectError::Option {
                    key: named,
                    problem,
                }) => {
                    assert_eq!(named, key, "{url}");
                    assert!(!problem.contains("hunter2"), "{problem}");
                }
                other => panic!("{url}: {other:?}"),
            }
        }
    }
}
