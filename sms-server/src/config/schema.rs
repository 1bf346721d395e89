//! Which keys there are, taken from the types that read them.

use serde_json::{Map, Value};

use super::path::KeyPath;
use super::problem::Problem;
use super::sections::Config;
use super::tree::Tree;

/// Two names are alike when they share this much, of at most 1.
const ALIKE: f64 = 0.75;

/// The keys that there are, each with an example of its value.
pub(crate) struct Schema(Map<String, Value>);

impl Schema {
    /// Asks the types.
    pub(crate) fn new() -> Self {
        match serde_json::to_value(Config::complete()) {
            Ok(Value::Object(map)) => Self(map),
            _ => Self(Map::new()),
        }
    }

    /// An example of what the key holds; none if it is not known.
    pub(crate) fn at(&self, path: &KeyPath) -> Option<&Value> {
        let (first, rest) = path.0.split_first()?;
        rest.iter()
            .try_fold(self.0.get(first)?, |value, name| match value {
                Value::Object(table) => table.get(name),
                // Every entry of a list is like the first.
                Value::Array(list) => name.parse::<usize>().ok().and_then(|_| list.first()),
                _ => None,
            })
    }

    /// Every key that was given and does not exist, with the one that was probably meant.
    pub(crate) fn unknown_keys(&self, tree: &Tree) -> Vec<Problem> {
        let mut search = Search {
            tree,
            everywhere: self.all_keys(),
            problems: Vec::new(),
        };
        search.compare(tree.root(), &self.0, &KeyPath::default());
        search.problems
    }

    /// Every key there is, outside of lists of tables.
    pub(crate) fn all_keys(&self) -> Vec<KeyPath> {
        let mut keys = Vec::new();
        collect(&self.0, &KeyPath::default(), &mut keys);
        keys
    }
}

struct Search<'a> {
    tree: &'a Tree,
    everywhere: Vec<KeyPath>,
    problems: Vec<Problem>,
}

impl Search<'_> {
    fn compare(&mut self, given: &Map<String, Value>, known: &Map<String, Value>, path: &KeyPath) {
        for (name, value) in given {
            let path = path.child(name.as_str());
            match (known.get(name), value) {
                (None, _) => self.problems.push(self.unknown(&path, known)),
                (Some(Value::Object(known)), Value::Object(given)) => {
                    self.compare(given, known, &path);
                }
                (Some(Value::Array(known)), Value::Array(given)) if !is_open(&path) => {
                    if let Some(Value::Object(known)) = known.first() {
                        self.compare_entries(given, known, &path);
                    }
                }
                _ => {}
            }
        }
    }

    fn compare_entries(&mut self, given: &[Value], known: &Map<String, Value>, path: &KeyPath) {
        for (at, entry) in given.iter().enumerate() {
            if let Value::Object(entry) = entry {
                self.compare(entry, known, &path.child(at.to_string()));
            }
        }
    }

    fn unknown(&self, path: &KeyPath, known: &Map<String, Value>) -> Problem {
        let near = nearest(path.last(), known.keys().map(String::as_str)).map(str::to_owned);
        let words = match near.or_else(|| self.elsewhere(path.last())) {
            Some(meant) => format!("there is no such key; did you mean {meant}?"),
            None => {
                let known: Vec<_> = known.keys().map(String::as_str).collect();
                format!("there is no such key; here are: {}", known.join(", "))
            }
        };
        Problem::at(path.clone(), self.tree.place(path), words)
    }

    /// The keys of this very name in other sections.
    fn elsewhere(&self, name: &str) -> Option<String> {
        let same = self.everywhere.iter().filter(|key| key.last() == name);
        choices(&same.map(ToString::to_string).collect::<Vec<_>>())
    }
}

/// `a`, `a or b`, `a, b or c`.
fn choices(all: &[String]) -> Option<String> {
    let (last, others) = all.split_last()?;
    Some(match others {
        [] => last.clone(),
        _ => format!("{} or {last}", others.join(", ")),
    })
}

/// The keys of a provider belong to its kind, which refuses those that it does not know.
fn is_open(path: &KeyPath) -> bool {
    path.0 == ["provider"]
}

/// The name that is most like this one, if any is.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|key| (strsim::jaro_winkler(&name.to_lowercase(), key), key))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, key)| key)
}

fn collect(table: &Map<String, Value>, path: &KeyPath, keys: &mut Vec<KeyPath>) {
    for (name, value) in table {
        let path = path.child(name.as_str());
        match value {
            Value::Object(inner) => collect(inner, &path, keys),
            Value::Array(list) if list.first().is_some_and(Value::is_object) => {}
            _ => keys.push(path),
        }
    }
}
