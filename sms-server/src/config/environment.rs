//! Values from environment variables: `SMS__GRPC__LISTEN` is `listen` in section `[grpc]`.

use std::ffi::OsString;

use serde_json::Value;

use super::path::KeyPath;
use super::problem::{Place, Problem};
use super::schema::Schema;
use super::tree::Tree;

const PREFIX: &str = "SMS__";

/// Lays the variables over what the file says. Variables that do not begin with `SMS__` are not
/// ours.
pub(crate) fn overlay(
    tree: &mut Tree,
    schema: &Schema,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<(), Problem> {
    let mut ours = variables
        .filter_map(|(name, text)| Some((name.into_string().ok()?, text)))
        .filter_map(|(name, text)| Some((key(&name)?, name, text)))
        .collect::<Vec<_>>();
    // Entries of a list in their order, so that each finds the one before it.
    ours.sort_by_cached_key(|(key, _, _)| key.0.iter().map(|name| order(name)).collect::<Vec<_>>());
    for (key, name, text) in ours {
        let place = Place::Variable(name);
        let words = "holds characters that are no text (UTF-8)";
        let text = text
            .into_string()
            .map_err(|_| Problem::at(key.clone(), Some(&place), words))?;
        let value = typed(tree, schema, &key, text)
            .map_err(|words| Problem::at(key.clone(), Some(&place), words))?;
        tree.set(&key, value, &place)?;
    }
    Ok(())
}

fn key(variable: &str) -> Option<KeyPath> {
    let names = variable.strip_prefix(PREFIX)?.split("__");
    Some(KeyPath(names.map(str::to_lowercase).collect()))
}

fn order(name: &str) -> (u64, String) {
    (name.parse().unwrap_or(0), name.to_owned())
}

/// Reads the text as the kind of value that the key takes. A variable has no quotes to tell a
/// text from a number, so the key decides.
fn typed(tree: &Tree, schema: &Schema, key: &KeyPath, text: String) -> Result<Value, &'static str> {
    let model = schema.at(key).or_else(|| tree.get(key));
    match model {
        Some(Value::Bool(_)) => match text.as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err("must be true or false"),
        },
        Some(Value::Number(_)) => text
            .parse::<i64>()
            .map(Value::from)
            .map_err(|_| "must be a whole number"),
        Some(Value::Array(_)) => list(&text),
        Some(Value::Object(_)) => Err("is a section: name a key inside it, behind two underscores"),
        Some(Value::String(_) | Value::Null) => Ok(Value::String(text)),
        None => Ok(literal(text)),
    }
}

/// A TOML list, or plain texts with commas between them.
fn list(text: &str) -> Result<Value, &'static str> {
    if text.trim_start().starts_with('[') {
        return toml_value(text).ok_or("is no list: write it as in TOML, or as texts with commas");
    }
    let entries = text
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty());
    Ok(entries.map(Value::from).collect())
}

/// The value of a key that only its provider knows: a list, a table or a truth value where it
/// reads as one, else a text, so that a password of digits stays what it is.
fn literal(text: String) -> Value {
    let structured = text.starts_with(['[', '{']) || matches!(text.as_str(), "true" | "false");
    let value = structured.then(|| toml_value(&text)).flatten();
    value.unwrap_or(Value::String(text))
}

fn toml_value(text: &str) -> Option<Value> {
    let table: toml::Table = toml::from_str(&format!("value = {text}")).ok()?;
    serde_json::to_value(table.get("value")?).ok()
}
