//! The server over real sockets, with a real engine in memory.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod client;
mod decoder;
mod legacy;
mod limits;
mod listening;
mod log;
mod message;
mod order;
mod provider;
mod sources;
mod store;
mod world;
