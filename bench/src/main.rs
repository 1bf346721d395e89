//! The load generator and the figures of docs/performance.md.
//!
//! `sms-bench compare` starts a provider, Kannel and `sms serve` in temporary folders, sends the
//! same messages through both gateways in turn and prints a table. `sms-bench cluster` does so
//! with `sms serve` in roles over Redis and RabbitMQ, and with a bare program over the same two
//! servers. `sms-bench chaos` breaks everything in turn and checks that nothing is lost. The other
//! commands are parts of these, for use by hand.

use clap::{Parser, Subcommand};
use tokio::runtime;

mod arrivals;
mod bare;
mod chaos;
mod clock;
mod cluster;
mod compare;
mod http;
mod load;
mod machine;
mod outcome;
mod pace;
mod percentiles;
mod process;
mod provider;
mod report;
mod run;
mod sample;
mod sink;
mod soak;
mod status;
mod stolen;
mod stored;
mod system;
mod target;
mod usage;

// As `sms` has it: what is measured beside it must not lose for its allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    /// Measure a bare program and `sms serve` in roles in turn, both on Redis and RabbitMQ.
    Cluster(cluster::Arguments),
    /// Break everything in turn, under load, and check that nothing is lost.
    Chaos(chaos::Arguments),
    /// Run the bare program: one call per message, with no product around it.
    Bare(bare::Arguments),
    /// Ask for the status of messages in a small and in a large store and compare.
    Status(status::Arguments),
    /// Send at a constant rate for a long time and watch memory.
    Soak(soak::Arguments),
}

fn main() -> anyhow::Result<()> {
    let command = Arguments::parse().command;
    let mut runtime = match command {
        Command::Bare(_) => runtime::Builder::new_multi_thread(),
        // One thread: the machine's other cores belong to what is measured.
        _ => runtime::Builder::new_current_thread(),
    };
    runtime.enable_all().build()?.block_on(run(command))
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Provider(arguments) => provider::run(arguments).await,
        Command::Load(arguments) => load::run(arguments).await,
        Command::Compare(arguments) => compare::run(arguments).await,
        Command::Cluster(arguments) => cluster::run(arguments).await,
        Command::Chaos(arguments) => chaos::run(arguments).await,
        Command::Bare(arguments) => bare::run(arguments).await,
        Command::Status(arguments) => status::run(arguments).await,
        Command::Soak(arguments) => soak::run(arguments).await,
    }
}
