//! Tests of the store on real servers, which they start and stop.

// Helpers of tests are tests, too.
#![allow(clippy::unwrap_used)]

mod cluster;
mod conformance;
mod engines;
mod failover;
mod keys;
mod kill;
mod limiter;
mod list;
mod load;
mod memory;
mod parts;
mod refusals;
mod replicas;
mod retention;
mod sentinel;
mod server;
mod tls;
mod together;
mod unreadable;
