#![doc = include_str!("../README.md")]

mod buckets;
mod checkpoint;
mod commit;
mod error;
mod insert;
mod list;
mod lock;
mod open;
mod options;
mod parking;
mod provider_ids;
mod read;
mod readers;
mod removal;
mod row;
mod seq;
mod shared;
mod store;
mod transaction;
mod vacuum;
mod writer;

pub use error::OpenError;
pub use options::Options;
pub use store::SqliteStore;
