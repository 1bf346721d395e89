//! Providers over HTTP against real servers on loopback.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, where a panic is how a test fails"
)]

mod configured;
mod conformance;
mod failures;
mod limits;
mod readme;
mod recipes;
mod sandbox;
mod support;
mod wrong_config;
