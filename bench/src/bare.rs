//! The bare program: what a good programmer writes in an afternoon who needs messages stored,
//! queued and sent, and no product around it.
//!
//! One call after the other, for each message: a write to Redis, a persistent publish to a quorum
//! queue and its confirm, and then the caller has its answer; a delivery, a scripted compare-and-set
//! (queued to sending), a request to the provider, another compare-and-set (sending to sent), an
//! acknowledgement. What can be shared and pipelined without more thought is: one connection to
//! Redis, two to RabbitMQ, kept connections to the provider, and many messages at once.
//!
//! Its callers are tasks of its own, which wait for no network: less than any server has to do.
//! What it lacks is the rest: no validation, no retries, no deadlines, no reports, no idempotency,
//! and a message is lost if the program dies between its two first calls.

use std::net::SocketAddr;

use anyhow::Context as _;

mod accepting;
pub(crate) mod control;
mod hints;
mod records;
mod working;

pub(crate) use accepting::Accepting;

/// What `sms-bench bare` is asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Where it takes orders: `POST /send` with `{"messages": 20000, "callers": 64, "length": 100}`
    /// sends so many, and answers when all are accepted.
    #[arg(long, default_value = "127.0.0.1:8901")]
    listen: SocketAddr,
    /// The Redis server.
    #[arg(long, default_value = "redis://127.0.0.1:6379/0")]
    redis: String,
    /// The RabbitMQ broker.
    #[arg(long, default_value = "amqp://guest:guest@127.0.0.1:5672/%2f")]
    amqp: String,
    /// The queue; it is declared if it is not there.
    #[arg(long, default_value = "bare")]
    queue: String,
    /// Where `sms-bench provider` listens.
    #[arg(long, default_value = "127.0.0.1:8900")]
    provider: SocketAddr,
    /// Messages under way to the provider at once.
    #[arg(long, default_value_t = 64)]
    concurrency: u16,
}

/// `sms-bench bare`: serves until the process is ended.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let records = records::Records::connect(&arguments.redis).await?;
    let hints = hints::Hints::connect(&arguments.amqp, &arguments.queue).await?;
    let deliveries = hints.consume(arguments.concurrency).await?;
    let worker = working::Worker::new(records.clone(), arguments.provider);
    let working = tokio::spawn(worker.work(deliveries));
    let accepting = Accepting::new(records, hints.publisher());
    tokio::select! {
        served = control::serve(arguments.listen, accepting) => served,
        worked = working => worked.context("the worker broke down")?,
    }
}
