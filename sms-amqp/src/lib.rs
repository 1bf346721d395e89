#![doc = include_str!("../README.md")]

mod address;
mod backoff;
mod body;
mod dead_letters;
mod declare;
mod dial;
mod error;
mod health;
mod lane;
mod link;
mod names;
mod options;
mod publish;
mod queue;
mod receipts;
mod shared;
mod stall;
mod subscription;
mod supervisor;
mod topology;
mod watch;

pub use dead_letters::{DeadLetter, DeathReason, Replayed};
pub use error::ConnectError;
pub use health::{Health, LinkState};
pub use options::Options;
pub use queue::AmqpQueue;
