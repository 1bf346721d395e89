//! What was written, value by value, with the place of each.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::path::KeyPath;
use super::problem::{Place, Problem};

/// The values that were given, before anybody knows their meaning.
#[derive(Clone, Default)]
pub(crate) struct Tree {
    root: Map<String, Value>,
    places: BTreeMap<KeyPath, Place>,
}

impl Tree {
    /// Reads the text of a TOML file.
    pub(crate) fn parse(file: &Path, text: &str) -> Result<Self, Problem> {
        let source = Source {
            file: Arc::new(file.to_owned()),
            text,
        };
        let table = DeTable::parse(text).map_err(|error| Problem {
            place: error.span().map(|span| source.place(&span)),
            key: None,
            words: format!("this is not TOML: {}", error.message().trim_end()),
        })?;
        let mut places = BTreeMap::new();
        let root = source.table(table.get_ref(), &KeyPath::default(), &mut places);
        Ok(Self { root, places })
    }

    /// All values.
    pub(crate) fn root(&self) -> &Map<String, Value> {
        &self.root
    }

    /// The value of a key, if one was given.
    pub(crate) fn get(&self, path: &KeyPath) -> Option<&Value> {
        let (first, rest) = path.0.split_first()?;
        rest.iter()
            .try_fold(self.root.get(first)?, |value, name| match value {
                Value::Object(table) => table.get(name),
                Value::Array(list) => list.get(name.parse::<usize>().ok()?),
                _ => None,
            })
    }

    /// Where a key was written, or else the section around it.
    pub(crate) fn place(&self, path: &KeyPath) -> Option<&Place> {
        path.outwards().find_map(|path| self.places.get(&path))
    }

    /// Gives a key another value.
    pub(crate) fn set(
        &mut self,
        path: &KeyPath,
        value: Value,
        place: &Place,
    ) -> Result<(), Problem> {
        let mut seat = Value::Object(std::mem::take(&mut self.root));
        let outcome = put(&mut seat, &path.0, value);
        if let Value::Object(root) = seat {
            self.root = root;
        }
        outcome.map_err(|words| Problem::at(path.clone(), Some(place), words))?;
        for path in path.outwards() {
            self.places.entry(path).or_insert_with(|| place.clone());
        }
        self.places.insert(path.clone(), place.clone());
        Ok(())
    }
}

fn put(seat: &mut Value, names: &[String], value: Value) -> Result<(), &'static str> {
    let Some((name, rest)) = names.split_first() else {
        *seat = value;
        return Ok(());
    };
    if seat.is_null() {
        *seat = match name.parse::<usize>() {
            Ok(_) => Value::Array(Vec::new()),
            Err(_) => Value::Object(Map::new()),
        };
    }
    match seat {
        Value::Object(table) => {
            // Names that only a file can write in capitals are found all the same.
            let known = table.keys().find(|key| key.eq_ignore_ascii_case(name));
            let name = known.unwrap_or(name).clone();
            put(table.entry(name).or_insert(Value::Null), rest, value)
        }
        Value::Array(list) => {
            let index: usize = name.parse().map_err(
                |_| "is a list: number its entries from 0, as in SMS__PROVIDER__0__NAME",
            )?;
            if index > list.len() {
                return Err(
                    "an entry before it is missing: number the entries from 0 without gaps",
                );
            }
            if index == list.len() {
                list.push(Value::Null);
            }
            put(&mut list[index], rest, value)
        }
        _ => Err("goes further than the key it names, which has a plain value"),
    }
}

struct Source<'a> {
    file: Arc<PathBuf>,
    text: &'a str,
}

impl Source<'_> {
    fn place(&self, span: &Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        Place::File {
            file: Arc::clone(&self.file),
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
        }
    }

    fn table(
        &self,
        table: &DeTable<'_>,
        path: &KeyPath,
        places: &mut BTreeMap<KeyPath, Place>,
    ) -> Map<String, Value> {
        let mut map = Map::new();
        for (key, value) in table {
            let path = path.child(key.get_ref().as_ref());
            places.insert(path.clone(), self.place(&key.span()));
            map.insert(key.get_ref().to_string(), self.value(value, &path, places));
        }
        map
    }

    fn value(
        &self,
        value: &Spanned<DeValue<'_>>,
        path: &KeyPath,
        places: &mut BTreeMap<KeyPath, Place>,
    ) -> Value {
        match value.get_ref() {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| Value::String(number.as_str().to_owned()), Value::from),
            DeValue::Float(number) => number
                .as_str()
                .parse::<f64>()
                .map_or(Value::Null, Value::from),
            DeValue::Boolean(truth) => Value::Bool(*truth),
            DeValue::Datetime(time) => Value::String(time.to_string()),
            DeValue::Table(table) => Value::Object(self.table(table, path, places)),
            DeValue::Array(list) => {
                let entries = list.iter().enumerate().map(|(at, entry)| {
                    let path = path.child(at.to_string());
                    places.insert(path.clone(), self.place(&entry.span()));
                    self.value(entry, &path, places)
                });
                Value::Array(entries.collect())
            }
        }
    }
}
