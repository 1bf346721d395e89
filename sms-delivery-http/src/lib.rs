#![doc = include_str!("../README.md")]

mod answer;
mod body;
mod config;
mod error;
mod keep;
mod legacy;
mod network;
mod notices;
mod path;
mod receiver;
mod repeats;
mod server;
mod share;
mod source;
mod write_limit;

pub use config::DeliveryConfig;
pub use error::BindError;
pub use path::Decoders;
pub use server::{Bound, DeliveryServer};
pub use source::{SourceError, SourceRules};
