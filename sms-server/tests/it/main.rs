//! The built binary `sms` from outside: started, called, killed, drained, misconfigured.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are tests, which the lint does not see"
)]

mod account;
mod cli;
mod drain;
mod first_steps;
mod health;
mod kill;
mod load;
mod mistakes;
mod privacy;
mod server;
mod start;
