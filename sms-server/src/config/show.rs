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
    config.store = mask_url(&config.store);
    config.queue = mask_url(&config.queue);
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
    let (url, query) = match url.split_once('?') {
        Some((url, _)) => (url, "?***"),
        None => (url, ""),
    };
    let Some((scheme, rest)) = url.split_once("://") else {
        return format!("{url}{query}");
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let authority = match authority.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split_once(':').map_or(user, |(user, _)| user);
            format!("{user}:{MASK}@{host}")
        }
        None => authority.to_owned(),
    };
    format!("{scheme}://{authority}{path}{query}")
}
