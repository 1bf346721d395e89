//! From a file and the environment to a configuration.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::environment;
use super::path::KeyPath;
use super::problem::{Problem, Problems};
use super::provider::{Common, ProviderSection, Settings};
use super::schema::Schema;
use super::sections::Config;
use super::show;
use super::tree::Tree;

/// Read if it is there and `--config` names no other.
const DEFAULT_FILE: &str = "sms.toml";

/// A configuration with the places its values came from.
pub(crate) struct Loaded {
    pub(crate) config: Config,
    pub(crate) tree: Tree,
    /// The file that was read, if any.
    pub(crate) file: Option<PathBuf>,
}

impl Loaded {
    /// A mistake at a key that was found later.
    pub(crate) fn problem(&self, key: &str, words: impl Into<String>) -> Problem {
        let key = KeyPath::dotted(key);
        let place = self.tree.place(&key).cloned();
        Problem::at(key, place.as_ref(), words)
    }

    /// Whether a key was given, rather than left at its default.
    pub(crate) fn is_given(&self, key: &str) -> bool {
        self.tree.get(&KeyPath::dotted(key)).is_some()
    }
}

/// Reads the file, or `sms.toml` if that is there, and lays the variables over it.
pub(crate) fn load(
    file: Option<&Path>,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Loaded, Problems> {
    let (mut tree, file) = read_file(file)?;
    let schema = Schema::new();
    environment::overlay(&mut tree, &schema, variables)?;
    let unknown = schema.unknown_keys(&tree);
    if !unknown.is_empty() {
        return Err(Problems(unknown));
    }
    let config = interpret(&tree)?;
    Ok(Loaded { config, tree, file })
}

fn read_file(file: Option<&Path>) -> Result<(Tree, Option<PathBuf>), Problem> {
    let path = file.unwrap_or(Path::new(DEFAULT_FILE));
    match std::fs::read_to_string(path) {
        Ok(text) => Ok((Tree::parse(path, &text)?, Some(path.to_owned()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound && file.is_none() => {
            Ok((Tree::default(), None))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Problem::general(format!(
            "{}: there is no such file; `sms config init` prints one to begin with",
            path.display()
        ))),
        Err(error) => {
            let path = path.display();
            Err(Problem::general(format!("{path}: cannot be read: {error}")))
        }
    }
}

fn interpret(tree: &Tree) -> Result<Config, Problems> {
    let mut root = tree.root().clone();
    let providers = root.remove("provider");
    let mut config: Config = read(tree, Value::Object(root), &KeyPath::default())?;
    config.provider = match providers {
        None => Vec::new(),
        Some(Value::Array(list)) => {
            let read = |(at, entry)| read_provider(tree, at, entry);
            list.into_iter()
                .enumerate()
                .map(read)
                .collect::<Result<_, _>>()?
        }
        Some(_) => {
            let key = KeyPath::dotted("provider");
            let words = "is not a list: write [[provider]] with two brackets on each side";
            return Err(Problem::at(key.clone(), tree.place(&key), words).into());
        }
    };
    Ok(config)
}

fn read_provider(tree: &Tree, at: usize, entry: Value) -> Result<ProviderSection, Problem> {
    let path = KeyPath::dotted("provider").child(at.to_string());
    let Value::Object(entry) = entry else {
        let words = "is no section: write [[provider]] and its keys below";
        return Err(Problem::at(path.clone(), tree.place(&path), words));
    };
    let (common, settings): (Map<_, _>, Map<_, _>) = entry
        .into_iter()
        .partition(|(key, _)| Common::KEYS.contains(&key.as_str()));
    Ok(ProviderSection {
        common: read(tree, Value::Object(common), &path)?,
        settings: Settings(settings),
    })
}

fn read<T: DeserializeOwned>(tree: &Tree, value: Value, base: &KeyPath) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut path = base.join(&error.path().into());
        let mut words = error.inner().to_string();
        if let Some(missing) = words.strip_prefix("missing field `") {
            path = path.child(missing.trim_end_matches('`'));
            words = "is missing: add it".into();
        }
        if show::is_secret(&path) && words.starts_with("invalid type") {
            // The deserializer's words quote the value.
            words = "has a value of the wrong kind: write a text in quotes".into();
        }
        Problem::at(path.clone(), tree.place(&path), words)
    })
}
