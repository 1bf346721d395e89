//! Tests of the store in one file.

// Helpers of tests are tests, too.
#![allow(clippy::unwrap_used)]

mod conformance;
