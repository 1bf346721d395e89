//! One measured run of one of the two programs.

use std::time::Duration;

use serde::Serialize;

use super::{Arguments, Bench, contender::Contender, memory};
use crate::{
    load::Volume,
    outcome::Outcome,
    process::Process,
    run::{Cost, costs},
    stolen::Watch,
    usage::Usage,
};

/// What a program may still have to do for a message after the provider has taken it (note the
/// answer, acknowledge) belongs to its cost, so CPU time is read so much later.
const SETTLE: Duration = Duration::from_secs(1);

/// What was measured.
#[derive(Debug, Serialize)]
pub(super) struct Run {
    pub(super) program: &'static str,
    /// As fast as answers come.
    pub(super) full: Outcome,
    /// Processes of the program first, then Redis and RabbitMQ, all counted as its own, then
    /// provider and load generator.
    pub(super) costs: Vec<Cost>,
    /// At a constant rate, which is so low that messages are alone.
    pub(super) at_rate: Option<Outcome>,
    /// Memory of Redis for a message that is delivered, in bytes.
    pub(super) bytes_per_message: Option<u64>,
}

impl Run {
    /// CPU time of the program and its two servers.
    pub(super) fn cpu_ms_per_1000(&self) -> f64 {
        let own = self.costs.iter().filter(|cost| cost.of_gateway);
        own.map(|cost| cost.cpu_ms_per_1000).sum()
    }
}

/// Warm-up, full load, constant rate; then the memory, if that is wanted and there are reports.
pub(super) async fn measure(
    mut contender: Contender,
    bench: &mut Bench,
    arguments: &Arguments,
    weigh: bool,
) -> anyhow::Result<Run> {
    let empty = bench.redis.used_memory().await?;
    let mut ids = Vec::new();
    send(&mut contender, bench, &arguments.warm_up(), &mut ids).await?;
    tokio::time::sleep(SETTLE).await;

    let before = usages(&contender, bench)?;
    let full = send(&mut contender, bench, &arguments.full(), &mut ids).await?;
    tokio::time::sleep(SETTLE).await;
    let after = usages(&contender, bench)?;
    let at_rate = match arguments.at_rate() {
        volume if volume.messages == 0 => None,
        volume => Some(send(&mut contender, bench, &volume, &mut ids).await?),
    };

    let mut bytes_per_message = None;
    if let Some(delivery) = contender.delivery().filter(|_| weigh) {
        let count = ids.len() as u64;
        memory::report_all(delivery, ids).await?;
        let used = bench.redis.used_memory().await?.saturating_sub(empty);
        bytes_per_message = used.checked_div(count);
    }
    let own = contender.processes().len() + 2;
    Ok(Run {
        program: contender.program().name(),
        costs: costs(&before, &after, own, full.messages),
        full,
        at_rate,
        bytes_per_message,
    })
}

/// Sends, and waits until the provider has everything; an error unless all came, and came once.
async fn send(
    contender: &mut Contender,
    bench: &mut Bench,
    volume: &Volume,
    ids: &mut Vec<String>,
) -> anyhow::Result<Outcome> {
    bench.sink.reset().await?;
    let stolen = Watch::begin();
    let mut sent = contender.send(volume).await?;
    bench.sink.wait(volume.messages).await?;
    let stolen_percent = stolen.percent();
    ids.extend(sent.ids.drain(..).flatten());
    let arrivals = bench.sink.arrivals().await?;
    let outcome = Outcome {
        stolen_percent,
        ..Outcome::new(&sent, &arrivals, bench.sink.stats().await?)
    };
    outcome.check()?;
    Ok(outcome)
}

fn usages(contender: &Contender, bench: &Bench) -> anyhow::Result<Vec<(&'static str, Usage)>> {
    let servers = [
        &bench.redis.process,
        &bench.rabbitmq.process,
        &bench.provider.process,
    ];
    let all = contender.processes().iter().chain(servers);
    let used = |process: &Process| Ok((process.name(), process.usage()?));
    let mut usages = all.map(used).collect::<anyhow::Result<Vec<_>>>()?;
    usages.push(("load", Usage::of_self()?));
    Ok(usages)
}
