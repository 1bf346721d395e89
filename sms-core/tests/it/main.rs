//! Tests of sms-core through its public interface.

// Helpers of tests are tests, too.
#![allow(clippy::unwrap_used)]

#[cfg(feature = "conformance")]
mod broken_stores;
#[cfg(feature = "testing")]
mod engine;
#[cfg(feature = "conformance")]
mod engine_conformance;
mod machine;
#[cfg(feature = "conformance")]
mod masking;
#[cfg(feature = "conformance")]
mod provider_conformance;
#[cfg(feature = "conformance")]
mod queue_conformance;
#[cfg(feature = "conformance")]
mod store_conformance;
