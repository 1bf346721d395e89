//! The configuration: read from a TOML file and the environment, checked before anything starts.

mod environment;
mod keep;
mod load;
mod path;
mod problem;
mod provider;
mod schema;
mod sections;
pub(crate) mod show;
mod tree;

#[cfg(test)]
mod tests;

pub(crate) use keep::Keep;
pub(crate) use load::{Loaded, load};
pub(crate) use problem::{Problem, Problems};
pub(crate) use provider::{ProviderSection, Settings};
pub(crate) use sections::{Config, LogFormat};

/// Every key with its default and its meaning, as a file to begin with.
pub(crate) const DEFAULT_TOML: &str = include_str!("default.toml");
