//! The binary `sms`: configuration, roles, command line. It puts the other crates together and
//! decides nothing about messages.

mod admin;
mod args;
mod backends;
mod client;
mod config;
mod config_command;
mod dead_letters_command;
mod failure;
mod health_command;
mod log;
mod output;
mod progress;
mod reachable;
mod sandbox_command;
mod serve;

use std::process::ExitCode;

use clap::Parser as _;
use tokio::runtime::Builder;

use args::{Cli, Command, ServeArgs};
use failure::Failure;
use serve::Roles;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match &cli.command {
        Command::Serve(args) => serve(&cli, args),
        Command::Send(args) => wait_for(client::send(&cli, args)),
        Command::Status(args) => wait_for(client::status(&cli, args)),
        Command::Watch(args) => wait_for(client::watch(&cli, args)),
        Command::Trace(args) => wait_for(client::trace(&cli, args)),
        Command::List(args) => wait_for(client::list(&cli, args)),
        Command::Cancel(args) => wait_for(client::cancel(&cli, args)),
        Command::Preview(args) => wait_for(client::preview(&cli, args)),
        Command::Config(command) => wait_for(config_command::run(&cli, command)),
        Command::DeadLetters(command) => wait_for(dead_letters_command::run(&cli, command)),
        Command::Health(args) => wait_for(health_command::run(&cli, args)),
        Command::Sandbox(args) => wait_for(sandbox_command::run(&cli, args)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn serve(cli: &Cli, args: &ServeArgs) -> Result<(), Failure> {
    let loaded = config::load(cli.config.as_deref(), std::env::vars_os())?;
    let runtime = Builder::new_multi_thread()
        .worker_threads(serve::threads::wanted(&loaded)?)
        .enable_all()
        .build()
        .map_err(Failure::new)?;
    runtime.block_on(serve::run(&loaded, Roles::of(&args.roles), cli.json))
}

/// Runs a command that mostly waits: one thread is enough for it.
fn wait_for(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(Failure::new)?.block_on(command)
}
