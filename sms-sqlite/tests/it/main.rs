//! Tests of the store in one file.

// Helpers of tests are tests, too.
#![allow(clippy::unwrap_used)]

mod books;
mod conformance;
mod crash;
mod full;
mod lists;
mod log;
mod opening;
mod readable;
mod retention;
mod torn_log;
mod unreadable;
