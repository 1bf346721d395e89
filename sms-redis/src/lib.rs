#![doc = include_str!("../README.md")]

mod bytes;
mod code;
mod commit;
mod cursor;
mod deadlines;
mod dial;
mod durability;
mod error;
mod insert;
mod keys;
mod limiter;
mod link;
mod list;
mod node;
mod options;
mod parking;
mod place;
mod progress;
mod provider_ids;
mod read;
mod record;
mod removal;
mod request;
mod script;
mod servers;
mod slot;
mod store;
mod text;
mod tls;
mod topology;
mod url;
mod value;

pub use error::ConnectError;
pub use limiter::RedisLimiter;
pub use options::{Options, Place};
pub use store::RedisStore;
