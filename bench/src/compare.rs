//! The one command: both gateways in turn, the same load, one table.

use std::path::PathBuf;

use crate::{
    load::Volume,
    machine::Machine,
    report::Report,
    run::{Plan, System},
    system::{
        kannel::{Programs, Tuning},
        ours,
    },
};

/// What `sms-bench compare` is asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    volume: Volume,
    /// Runs of each gateway, in turn.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Messages before each measured run.
    #[arg(long, default_value_t = 2_000)]
    warm_up: usize,
    /// Measure only one of the two.
    #[arg(long, value_enum)]
    only: Option<Only>,
    /// The built binary `sms`; without it cargo builds one.
    #[arg(long)]
    sms: Option<PathBuf>,
    /// Folder for the temporary folders, which hold the stores: choose it on a real disk.
    #[arg(long)]
    folder: Option<PathBuf>,
    #[command(flatten)]
    tuning: Tuning,
    /// Print JSON, one run a line.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    Kannel,
    Sms,
}

/// `sms-bench compare`.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        eprintln!("warning: this is a debug build and takes CPU time from what it measures");
    }
    let systems = systems(&arguments)?;
    let plan = Plan {
        volume: arguments.volume.clone(),
        warm_up: arguments.warm_up,
        base: arguments.folder.clone(),
    };
    let mut report = Report::default();
    for round in 1..=arguments.rounds {
        for system in &systems {
            eprintln!("round {round} of {}: {} …", arguments.rounds, system.name());
            let run = system.measure(&plan).await?;
            if arguments.json {
                println!("{}", serde_json::to_string(&run)?);
            }
            report.add(round, run);
        }
    }
    if !arguments.json {
        println!("{}\n", Machine::look(arguments.folder.as_deref()));
        println!("{report}");
    }
    Ok(())
}

fn systems(arguments: &Arguments) -> anyhow::Result<Vec<System>> {
    let mut systems = Vec::new();
    if arguments.only != Some(Only::Sms) {
        match Programs::find() {
            Ok(programs) => systems.push(System::Kannel(programs, arguments.tuning.clone())),
            // The other half is still worth measuring, unless nobody asked for it.
            Err(missing) if arguments.only.is_none() => eprintln!("warning: {missing}"),
            Err(missing) => return Err(missing),
        }
    }
    if arguments.only != Some(Only::Kannel) {
        systems.push(System::Ours(ours::binary(arguments.sms.as_ref())?));
    }
    Ok(systems)
}
