//! Whether memory stays flat over a long run at a constant rate.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, ensure};
use tokio::time::Instant;

use crate::{
    load::{self, Volume},
    percentiles::millis,
    sink::Sink,
    stored::Stored,
    system::{ours, provider::Provider},
};

/// What `sms-bench soak` is asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Messages per second.
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// How long, in seconds.
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Seconds between two lines.
    #[arg(long, default_value_t = 10)]
    every: u64,
    /// Callers at the same time.
    #[arg(long, default_value_t = 64)]
    callers: usize,
    /// The built binary `sms`; without it cargo builds one.
    #[arg(long)]
    sms: Option<PathBuf>,
    /// Folder for the store.
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// `sms-bench soak`.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    ensure!(arguments.rate > 0.0, "--rate: more than 0, please");
    ensure!(arguments.every > 0, "--every: more than 0, please");
    let base = arguments.folder.as_ref();
    let binary = ours::binary(arguments.sms.as_ref())?;
    let provider = Provider::start(base).await?;
    let gateway = ours::start(&binary, provider.address, base).await?;
    let server = gateway.processes.first().context("no process")?;
    let mut sink = Sink::new(provider.address);
    let volume = Volume {
        messages: (arguments.rate * arguments.every as f64).ceil() as usize,
        callers: arguments.callers,
        connections: 1,
        rate: Some(arguments.rate),
        length: 13,
    };
    let mut callers = gateway.target.callers(&volume).await?;
    println!(
        "| s | accepted | taken | accept p99, ms | memory, KiB | CPU ms per 1,000 | store, KiB |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|");
    let start = Instant::now();
    let mut accepted = 0;
    let mut cpu = server.usage()?.cpu;
    while start.elapsed() < Duration::from_secs(arguments.seconds) {
        let sent = load::send(&mut callers, &volume, accepted).await?;
        accepted += volume.messages;
        let used = server.usage()?;
        println!(
            "| {} | {accepted} | {} | {} | {} | {:.1} | {} |",
            start.elapsed().as_secs(),
            sink.stats().await?.distinct,
            millis(sent.accept().p99_us),
            used.rss_kib,
            used.cpu.saturating_sub(cpu).as_secs_f64() * 1e6 / volume.messages as f64,
            Stored::at(&gateway.store).bytes / 1_024,
        );
        cpu = used.cpu;
    }
    let seen = sink.wait(accepted).await?;
    ensure!(
        seen.distinct == accepted as u64 && seen.duplicates == 0,
        "{accepted} accepted, {} taken, {} twice",
        seen.distinct,
        seen.duplicates
    );
    Ok(())
}
