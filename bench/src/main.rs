//! The load generator and the figures of docs/performance.md.
//!
//! `sms-bench compare` is the one command: it starts a provider, Kannel and `sms serve` in
//! temporary folders, sends the same messages through both gateways in turn and prints a table.
//! The other commands are its parts, for use by hand.

use clap::{Parser, Subcommand};

mod arrivals;
mod clock;
mod compare;
mod http;
mod load;
mod machine;
mod outcome;
mod percentiles;
mod process;
mod provider;
mod report;
mod run;
mod sample;
mod sink;
mod soak;
mod status;
mod stored;
mod system;
mod target;
mod usage;

/// The older wire contract, generated from `proto/legacy.proto`.
mod legacy {
    #![allow(missing_docs, unreachable_pub, reason = "generated")]
    tonic::include_proto!("_");
}

#[derive(Debug, Parser)]
#[command(about = "Load generator and measurements", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the provider simulator.
    Provider(provider::Arguments),
    /// Send messages to a running gateway and print throughput and latency.
    Load(load::Arguments),
    /// Measure Kannel and `sms serve` in turn and print one table.
    Compare(compare::Arguments),
    /// Ask for the status of messages in a small and in a large store and compare.
    Status(status::Arguments),
    /// Send at a constant rate for a long time and watch memory.
    Soak(soak::Arguments),
}

/// One thread: the machine's other cores belong to what is measured.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Provider(arguments) => provider::run(arguments).await,
        Command::Load(arguments) => load::run(arguments).await,
        Command::Compare(arguments) => compare::run(arguments).await,
        Command::Status(arguments) => status::run(arguments).await,
        Command::Soak(arguments) => soak::run(arguments).await,
    }
}
