//! Tests against a real broker, which they start themselves.

// Helpers of tests are tests, too.
#![allow(clippy::unwrap_used)]

mod broker;
mod conformance;
mod dead_letters;
mod network;
mod outages;
mod proxy;
mod setup;
mod throughput;
mod tls;
mod topology;
