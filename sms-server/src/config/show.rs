//! The effective configuration for people to see, without its secrets.

use serde_json::{Map, Value};

use super::path::KeyPath;
use super::sections::Config;

const MASK: &str = "***";

/// Names, and parts of names, of keys that hold secrets.
const SECRET_NAMES: [&str; 9] = [
    "password",
    "passwd",
    "secret",
    "token",
    "key",
    "auth",
    "credential",
    "signature",
    "proxy",
];

/// Sections of a provider in which any value may be a secret.
const SECRET_SECTIONS: [&str; 4] = ["auth", "headers", "query", "body"];

/// Whether the value of this key must not be seen.
pub(crate) fn is_secret(path: &KeyPath) -> bool {
    let name = path.last().to_lowercase();
    SECRET_NAMES.iter().any(|secret| name.contains(secret))
}

/// The effective configuration, every key with its value, secrets masked.
pub(crate) fn effective(config: &Config) -> Map<String, Value> {
    let mut config = config.clone();
    config.store = mask_backend_url(&config.store);
    config.queue = mask_backend_url(&config.queue);
    for provider in &mut config.provider {
        for (key, value) in &mut provider.settings.0 {
            mask(value, &KeyPath(vec![key.clone()]));
        }
    }
    match serde_json::to_value(config) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// The same as TOML. What has no value is left out, since TOML has no word for that.
pub(crate) fn as_toml(config: &Config) -> Result<String, toml::ser::Error> {
    let without_null = strip(Value::Object(effective(config)));
    toml::to_string_pretty(&toml::Table::try_from(without_null)?)
}

fn strip(value: Value) -> Value {
    match value {
        Value::Object(table) => Value::Object(
            table
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, strip(value)))
                .collect(),
        ),
        Value::Array(list) => list.into_iter().map(strip).collect(),
        plain => plain,
    }
}

fn mask(value: &mut Value, path: &KeyPath) {
    match value {
        Value::Object(table) => {
            for (key, value) in table {
                mask(value, &path.child(key.as_str()));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| mask(value, path)),
        Value::String(text) if may_be_secret(path, text) => *text = MASK.into(),
        Value::String(text) if text.contains("://") => *text = mask_url(text),
        Value::Number(_) if may_be_secret(path, "") => *value = MASK.into(),
        _ => {}
    }
}

fn may_be_secret(path: &KeyPath, text: &str) -> bool {
    let guarded = path
        .0
        .iter()
        .any(|name| SECRET_SECTIONS.contains(&name.as_str()));
    let inside_secret = path.outwards().any(|path| is_secret(&path));
    (guarded || inside_secret || path.0.ends_with(&["secret".into(), "value".into()]))
        && !is_placeholder(text)
}

/// `{to}`, `{text}` and the like stand for something else and tell nothing.
fn is_placeholder(text: &str) -> bool {
    let inner = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'));
    inner.is_some_and(|inner| !inner.contains(['{', '}']))
}

/// Hides the password of a URL, and its query.
pub(crate) fn mask_url(url: &str) -> String {
    match url.split_once('?') {
        Some((url, _)) => format!("{}?{MASK}", mask_login(url)),
        None => mask_login(url),
    }
}

/// Hides the password of a store's or queue's URL. What else it says is no secret, and worth
/// seeing, but for options that such a URL does not have.
pub(crate) fn mask_backend_url(url: &str) -> String {
    let (url, query) = match url.split_once('?') {
        Some((url, query)) if !query.contains('@') => (url, query),
        _ => return mask_login(url),
    };
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if is_secret(&KeyPath(vec![name.to_owned()])) => format!("{name}={MASK}"),
        _ => pair.to_owned(),
    };
    let pairs: Vec<_> = query.split('&').map(pair).collect();
    format!("{}?{}", mask_login(url), pairs.join("&"))
}

/// A password may hold a `/` or a `?` that somebody forgot to escape, so everything before the
/// last `@` counts as the login.
fn mask_login(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return mask_mistyped(url);
    };
    match rest.rsplit_once('@') {
        Some((login, host)) => {
            let user = login.split([':', '/', '?']).next().unwrap_or_default();
            format!("{scheme}://{user}:{MASK}@{host}")
        }
        None => url.to_owned(),
    }
}

/// A URL whose `://` was mistyped may hold a password all the same. The path of a file may hold an
/// `@`, and no password.
fn mask_mistyped(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((_, host)) if !url.starts_with("sqlite:") => format!("{MASK}@{host}"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_of_a_url_is_seen() {
        for (url, expected) in [
            ("redis://host:6379/0", "redis://host:6379/0"),
            ("redis://:hunter2@host", "redis://:***@host"),
            (
                "redis://me:hunter2@a,b?timeout=1s",
                "redis://me:***@a,b?timeout=1s",
            ),
            ("redis://:hunter2/hunter2@host/0", "redis://:***@host/0"),
            ("redis://:hunter2?hunter2@host/0", "redis://:***@host/0"),
            (
                "redis://hunter2/x:hunter2@host/0",
                "redis://hunter2:***@host/0",
            ),
            ("amqp://me:a@hunter2@host/v", "amqp://me:***@host/v"),
            (
                "amqp://host?prefix=a&password=hunter2",
                "amqp://host?prefix=a&password=***",
            ),
            ("redis//:hunter2@h:6379/0", "***@h:6379/0"),
            ("redis:/:hunter2@h:6379/0", "***@h:6379/0"),
            ("amqp//me:a@hunter2@h?prefix=a", "***@h?prefix=a"),
            ("me:hunter2@h", "***@h"),
            ("redis//host", "redis//host"),
            ("sqlite:./data/a@b.db", "sqlite:./data/a@b.db"),
            ("memory:", "memory:"),
        ] {
            assert_eq!(mask_backend_url(url), expected);
        }
        assert_eq!(
            mask_url("https://me:x@host/a?key=x"),
            "https://me:***@host/a?***"
        );
        assert_eq!(
            mask_url("https://host/a?to=x@y&key=x"),
            "https://host/a?***"
        );
    }
}
