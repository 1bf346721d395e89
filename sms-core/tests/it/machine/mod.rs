//! The state machine: each of its rules, its laws, and every way through it.

mod answers;
mod cancel;
mod claims;
mod deadlines;
mod laws;
mod life;
mod model;
mod order;
mod queries;
mod reports;
mod retries;
mod unknown;
