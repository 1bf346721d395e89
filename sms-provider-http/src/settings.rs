//! The section of one provider in the configuration, before anybody knows its keys.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::ConfigError;

/// Keys that every provider has and that the server reads itself.
const COMMON: [&str; 5] = ["name", "kind", "throughput", "concurrency", "report_window"];

/// The section of one provider in the configuration, as a table. Its values may be secrets, so
/// only its keys show.
#[derive(Clone)]
pub struct Settings(Map<String, Value>);

impl Settings {
    /// Takes whatever serializes as a table with text keys: a `toml::Table`, a `HashMap`, a
    /// struct. The keys that the server reads itself (`name`, `kind`, `throughput`,
    /// `concurrency`, `report_window`) are left out if they are still in it.
    ///
    /// # Errors
    /// [`ConfigError`] when it is not a table.
    pub fn new(table: &impl Serialize) -> Result<Self, ConfigError> {
        match serde_json::to_value(table) {
            Ok(Value::Object(mut map)) => {
                map.retain(|key, _| !COMMON.contains(&key.as_str()));
                Ok(Self(map))
            }
            Ok(_) | Err(_) => Err(ConfigError::new(
                "provider",
                "is not a table; write a [[provider]] section with one key per line",
            )),
        }
    }

    /// Reads the keys into a type of one's own. Give it `#[serde(deny_unknown_fields)]`, so that
    /// a mistyped key is refused.
    ///
    /// # Errors
    /// [`ConfigError`] names the first key that is missing, unknown or wrong.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, ConfigError> {
        serde_path_to_error::deserialize(Value::Object(self.0)).map_err(|error| {
            let path = error.path().to_string();
            explain(&path, &error.inner().to_string())
        })
    }
}

/// Turns an error of the deserializer into one that repeats no value: `invalid type: integer
/// 12345, expected a string` would show a password that somebody forgot to put in quotes, and
/// `unknown variant` the token of `auth = "Bearer ..."`.
fn explain(path: &str, problem: &str) -> ConfigError {
    let inside = |key: &str| match path {
        "." => key.to_owned(),
        path if path.ends_with(key) => path.to_owned(),
        path => format!("{path}.{key}"),
    };
    let quoted = || problem.split('`').nth(1).unwrap_or_default();
    if problem.starts_with("missing field") {
        return ConfigError::new(inside(quoted()), "is missing; add it");
    }
    if problem.starts_with("unknown field") {
        let known = problem.split_once(", ").map_or("", |(_, known)| known);
        return ConfigError::new(inside(quoted()), format!("is no known key; {known}"));
    }
    let problem = match problem.rsplit_once(", expected ") {
        Some((_, expected)) if problem.starts_with("invalid ") => {
            format!("has a value of the wrong kind; expected {expected}")
        }
        Some((_, expected)) if problem.starts_with("unknown variant ") => {
            format!("is none of what it may be; expected {expected}")
        }
        _ => problem.to_owned(),
    };
    ConfigError::new(path, problem)
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
