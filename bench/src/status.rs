//! Whether a status question costs the same in a small store and in a large one.
//!
//! The stores are filled over the public interface, through `sms serve`, so that what is asked
//! is what a user would ask: messages that were accepted, sent and finished.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, ensure};

use crate::{
    clock::now_us,
    load::{self, Volume},
    percentiles::Percentiles,
    process::Process,
    sink::Sink,
    system::{
        Gateway, bare::Servers, ours, provider::Provider, rabbitmq::RabbitMq, redis::Redis, roles,
    },
    target::{self, Caller},
};

/// After the last message is taken the server still writes that down; questions come later.
const SETTLE: Duration = Duration::from_secs(2);

/// What `sms-bench status` is asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Sizes of the store at which to ask, in ascending order.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 1_000_000])]
    sizes: Vec<usize>,
    /// Questions at each size, one after the other.
    #[arg(long, default_value_t = 20_000)]
    questions: usize,
    /// Callers that fill the store.
    #[arg(long, default_value_t = 64)]
    callers: usize,
    /// The built binary `sms`; without it cargo builds one.
    #[arg(long)]
    sms: Option<PathBuf>,
    /// Ask `sms serve` in roles over Redis and RabbitMQ, not one process with SQLite.
    #[arg(long)]
    cluster: bool,
    /// Folder for the store.
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// The server that is asked.
struct Asked {
    gateway: Gateway,
    /// With RabbitMQ held for its drop; none with SQLite.
    servers: Option<(Redis, RabbitMq)>,
}

impl Asked {
    async fn start(arguments: &Arguments, provider: &Provider) -> anyhow::Result<Self> {
        let base = arguments.folder.as_ref();
        let binary = ours::binary(arguments.sms.as_ref())?;
        if !arguments.cluster {
            let gateway = ours::start(&binary, provider.address, base).await?;
            let servers = None;
            return Ok(Self { gateway, servers });
        }
        let (redis, rabbitmq) = (Redis::start(base).await?, RabbitMq::start(base).await?);
        let servers = Servers {
            redis: &redis.url,
            amqp: &rabbitmq.url,
            provider: provider.address,
        };
        let roles = roles::start(
            &binary,
            servers,
            "status",
            roles::Layout::Roles { workers: 1 },
            base,
        )
        .await?;
        Ok(Self {
            gateway: roles.gateway,
            servers: Some((redis, rabbitmq)),
        })
    }

    /// What a question costs: the process that is asked, and Redis.
    fn cpu(&self) -> anyhow::Result<Duration> {
        let asked = self.gateway.processes.first().context("no process")?;
        let redis = self.servers.iter().map(|(redis, _)| &redis.process);
        let used = |process: &Process| Ok(process.usage()?.cpu);
        std::iter::once(asked).chain(redis).map(used).sum()
    }
}

/// `sms-bench status`.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    ensure!(
        arguments.sizes.is_sorted() && arguments.sizes.first().is_some_and(|size| *size > 0),
        "--sizes: positive and ascending, please"
    );
    let base = arguments.folder.as_ref();
    let provider = Provider::start(base).await?;
    let asked = Asked::start(&arguments, &provider).await?;
    let mut sink = Sink::new(provider.address);
    let mut ids = Vec::new();
    println!("| stored messages | question p50 / p99, ms | server CPU µs per question |");
    println!("|--:|--:|--:|");
    for size in arguments.sizes {
        eprintln!("filling up to {size} messages …");
        let volume = Volume {
            messages: size - ids.len(),
            callers: arguments.callers,
            connections: 1,
            rate: None,
            length: 13,
        };
        let mut callers = asked.gateway.target.callers(&volume).await?;
        let sent = load::send(&mut callers, &volume, ids.len()).await?;
        ids.extend(sent.ids.into_iter().flatten());
        ensure!(ids.len() == size, "the server gave {} ids", ids.len());
        let taken = sink.wait(size).await?.distinct;
        ensure!(taken == size as u64, "only {taken} messages were taken");
        tokio::time::sleep(SETTLE).await;
        let caller = callers.first_mut().context("--callers: at least 1")?;
        let (latency, cpu_us) = ask(caller, &ids, arguments.questions, &asked).await?;
        let [p50, p99] = [latency.p50_us, latency.p99_us].map(crate::percentiles::millis);
        println!("| {size} | {p50} / {p99} | {cpu_us:.1} |");
    }
    Ok(())
}

/// Latency of each question, and CPU microseconds of the server per question.
async fn ask(
    caller: &mut Caller,
    ids: &[String],
    questions: usize,
    asked: &Asked,
) -> anyhow::Result<(Percentiles, f64)> {
    let before = asked.cpu()?;
    let mut latencies_us = Vec::with_capacity(questions);
    for question in 0..questions {
        // A large odd stride visits the whole store in no order that a cache would like.
        let id = &ids[question.wrapping_mul(2_654_435_761) % ids.len()];
        let asked_us = now_us();
        let code = target::status(caller, id).await?;
        latencies_us.push(now_us() - asked_us);
        ensure!(code == 0, "message {id} is not known as taken: code {code}");
    }
    let used = asked.cpu()?.saturating_sub(before);
    let per_question = used.as_secs_f64() * 1e6 / questions.max(1) as f64;
    Ok((Percentiles::of(latencies_us), per_question))
}
