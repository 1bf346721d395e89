//! `sms serve`, in one process and in roles, beside the bare program, on the same Redis and RabbitMQ.
//!
//! Both servers run throughout; Redis is emptied before each run, and each run has queues of its
//! own. The programs take turns, so that what else the machine does falls on all.

use std::path::PathBuf;

use crate::{
    load::Volume,
    machine::Machine,
    sink::Sink,
    system::{bare::Servers, ours, provider::Provider, rabbitmq::RabbitMq, redis::Redis},
};

mod contender;
mod memory;
mod report;
mod run;

use contender::{Contender, Program};
use report::Report;

/// What `sms-bench cluster` is asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Messages of a run as fast as answers come.
    #[arg(long, default_value_t = 20_000)]
    messages: usize,
    /// Callers at the same time; each waits for its answer before it sends again.
    #[arg(long, default_value_t = 64)]
    callers: usize,
    /// Characters of each text.
    #[arg(long, default_value_t = 100)]
    length: usize,
    /// Messages per second of a run at a constant rate.
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// Seconds of such a run; 0 leaves it away.
    #[arg(long, default_value_t = 8.0)]
    rate_seconds: f64,
    /// Messages before the measured ones.
    #[arg(long, default_value_t = 2_000)]
    warm_up: usize,
    /// Runs of each program, in turn.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Processes with the role `worker`.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Measure only one of them.
    #[arg(long, value_enum)]
    only: Option<Program>,
    /// The built binary `sms`; without it cargo builds one.
    #[arg(long)]
    sms: Option<PathBuf>,
    /// Folder for the temporary folders, which hold the data: choose it on a real disk.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Print JSON, one run a line.
    #[arg(long)]
    json: bool,
}

/// What all runs share.
#[derive(Debug)]
struct Bench {
    provider: Provider,
    redis: Redis,
    rabbitmq: RabbitMq,
    sink: Sink,
}

impl Bench {
    async fn start(base: Option<&PathBuf>) -> anyhow::Result<Self> {
        let provider = Provider::start(base).await?;
        Ok(Self {
            sink: Sink::new(provider.address),
            provider,
            redis: Redis::start(base).await?,
            rabbitmq: RabbitMq::start(base).await?,
        })
    }

    fn servers(&self) -> Servers<'_> {
        Servers {
            redis: &self.redis.url,
            amqp: &self.rabbitmq.url,
            provider: self.provider.address,
        }
    }
}

impl Arguments {
    fn full(&self) -> Volume {
        Volume {
            messages: self.messages,
            callers: self.callers,
            connections: 1,
            rate: None,
            length: self.length,
        }
    }

    fn warm_up(&self) -> Volume {
        Volume {
            messages: self.warm_up,
            ..self.full()
        }
    }

    fn at_rate(&self) -> Volume {
        Volume {
            messages: (self.rate * self.rate_seconds) as usize,
            rate: Some(self.rate),
            ..self.full()
        }
    }
}

/// `sms-bench cluster`.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        eprintln!("warning: this is a debug build and takes CPU time from what it measures");
    }
    let binary = match arguments.only {
        Some(Program::Bare) => None,
        _ => Some(ours::binary(arguments.sms.as_ref())?),
    };
    eprintln!("starting Redis and RabbitMQ …");
    let mut bench = Bench::start(arguments.folder.as_ref()).await?;
    let mut report = Report::default();
    for round in 1..=arguments.rounds {
        for program in Program::in_turn(round) {
            if arguments.only.is_some_and(|only| only != program) {
                continue;
            }
            eprintln!(
                "round {round} of {}: {} …",
                arguments.rounds,
                program.name()
            );
            bench.redis.flush().await?;
            let run_name = format!("bench{round}-{}", program as u8);
            let contender =
                Contender::start(program, &bench, binary.as_deref(), &run_name, &arguments).await?;
            let is_last = round == arguments.rounds;
            let run = run::measure(contender, &mut bench, &arguments, is_last).await?;
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
