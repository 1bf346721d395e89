//! The binary `sms`: configuration, roles, command line. It puts the other crates together and
//! decides nothing about messages.

mod admin;
mod args;
mod backends;
mod client;
mod config;
mod config_command;
mod failure;
mod log;
mod output;
mod sandbox_command;
mod serve;

use std::process::ExitCode;

use clap::Parser as _;
use tokio::runtime::{Builder, Runtime};

use args::{Cli, Command, ServeArgs};
use failure::Failure;
use serve::Roles;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match &cli.command {
        Command::Serve(args) => serve(&cli, args),
        command => small_runtime().and_then(|runtime| runtime.block_on(run(&cli, command))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn serve(cli: &Cli, args: &ServeArgs) -> Result<(), Failure> {
    let loaded = config::load(cli.config.as_deref(), std::env::vars_os())?;
    let mut builder = Builder::new_multi_thread();
    match loaded.config.runtime.worker_threads {
        0 => {}
        threads => {
            builder.worker_threads(threads);
        }
    }
    let runtime = builder.enable_all().build().map_err(Failure::new)?;
    runtime.block_on(serve::run(&loaded, Roles::of(&args.roles), cli.json))
}

/// For commands that mostly wait.
fn small_runtime() -> Result<Runtime, Failure> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::new)
}

async fn run(cli: &Cli, command: &Command) -> Result<(), Failure> {
    match command {
        // Has a runtime of its own.
        Command::Serve(args) => serve(cli, args),
        Command::Send(args) => client::send(cli, args).await,
        Command::Status(args) => client::status(cli, args).await,
        Command::Watch(args) => client::watch(cli, args).await,
        Command::Trace(args) => client::trace(cli, args).await,
        Command::List(args) => client::list(cli, args).await,
        Command::Cancel(args) => client::cancel(cli, args).await,
        Command::Preview(args) => client::preview(cli, args).await,
        Command::Config(command) => config_command::run(cli, command).await,
        Command::Sandbox(args) => sandbox_command::run(cli, args).await,
    }
}
