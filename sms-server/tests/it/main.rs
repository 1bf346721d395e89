//! The built binary `sms` from outside: started, called, killed, drained, misconfigured.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are tests, which the lint does not see"
)]

// Those who wrote the adapters know how to start their servers. A part of that is used here.
#[allow(dead_code)]
#[path = "../../../sms-amqp/tests/it/broker.rs"]
mod broker;
#[allow(dead_code)]
#[path = "../../../sms-redis/tests/it/server.rs"]
mod redis_server;

mod account;
mod cli;
mod cluster;
mod drain;
mod first_steps;
mod health;
mod kill;
mod load;
mod mistakes;
mod privacy;
mod server;
mod start;
mod tls;
