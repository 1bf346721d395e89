//! The load generator: a number of callers that hand over messages and note how long it took.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::{
    clock::now_us,
    outcome::Outcome,
    pace::Pace,
    percentiles::Percentiles,
    sink::Sink,
    stolen::Watch,
    target::{Caller, Kind, Target},
};

/// What `sms-bench load` is asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Which interface of which gateway.
    #[arg(long, value_enum)]
    target: Kind,
    /// Where the gateway listens.
    #[arg(long)]
    address: SocketAddr,
    /// Where `sms-bench provider` listens, to which the gateway sends.
    #[arg(long, default_value = "127.0.0.1:8900")]
    provider: SocketAddr,
    #[command(flatten)]
    volume: Volume,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// How much and how fast.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub(crate) struct Volume {
    /// Messages to send.
    #[arg(long, default_value_t = 20_000)]
    pub(crate) messages: usize,
    /// Callers at the same time; each waits for its answer before it sends again.
    #[arg(long, default_value_t = 64)]
    pub(crate) callers: usize,
    /// gRPC connections that the callers share, as those within one program do.
    #[arg(long, default_value_t = 1)]
    pub(crate) connections: usize,
    /// Messages per second; without it as fast as answers come.
    #[arg(long)]
    pub(crate) rate: Option<f64>,
    /// Characters of each text; the number of the message takes 13.
    #[arg(long, default_value_t = 13)]
    pub(crate) length: usize,
}

/// What the callers noted, by message number.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sent {
    /// When each message was due to be sent, in microseconds of the monotonic clock.
    pub(crate) started_us: Vec<u64>,
    /// When it was accepted.
    pub(crate) accepted_us: Vec<u64>,
    /// Its id, where the gateway gives one.
    pub(crate) ids: Vec<Option<String>>,
}

/// `sms-bench load`.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let target = Target {
        kind: arguments.target,
        address: arguments.address,
    };
    let mut sink = Sink::new(arguments.provider);
    sink.reset().await?;
    let mut callers = target.callers(&arguments.volume).await?;
    let outcome = measure(&mut callers, &arguments.volume, &mut sink).await?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&outcome)?);
    } else {
        println!("{outcome}");
    }
    outcome.check()
}

/// Sends, waits until the provider has everything, and reckons. What the provider counted is to
/// be from this run alone: reset it before.
pub(crate) async fn measure(
    callers: &mut Vec<Caller>,
    volume: &Volume,
    sink: &mut Sink,
) -> anyhow::Result<Outcome> {
    let stolen = Watch::begin();
    let sent = send(callers, volume, 0).await?;
    let stats = sink.wait(volume.messages).await?;
    let stolen_percent = stolen.percent();
    let arrivals = sink.arrivals().await?;
    Ok(Outcome {
        stolen_percent,
        ..Outcome::new(&sent, &arrivals, stats)
    })
}

/// Sends messages `first..first + volume.messages` and returns once all are accepted. The callers
/// keep their connections for the next time.
pub(crate) async fn send(
    callers: &mut Vec<Caller>,
    volume: &Volume,
    first: usize,
) -> anyhow::Result<Sent> {
    let pace = Arc::new(Pace::start(volume)?);
    let mut tasks = JoinSet::new();
    for caller in callers.drain(..) {
        tasks.spawn(call(caller, Arc::clone(&pace), first, volume.length));
    }
    let mut sent = Sent::new(volume.messages);
    while let Some(ended) = tasks.join_next().await {
        let (caller, notes) = ended.context("a caller ended early")??;
        callers.push(caller);
        for note in notes {
            sent.keep(note);
        }
    }
    Ok(sent)
}

struct Note {
    index: usize,
    started_us: u64,
    accepted_us: u64,
    id: Option<String>,
}

async fn call(
    mut caller: Caller,
    pace: Arc<Pace>,
    first: usize,
    length: usize,
) -> anyhow::Result<(Caller, Vec<Note>)> {
    let mut notes = Vec::new();
    while let Some((index, started_us)) = pace.next().await {
        let n = first + index;
        let id = caller.send(n, length).await;
        let id = id.with_context(|| format!("message {n} was not accepted"))?;
        notes.push(Note {
            index,
            started_us,
            accepted_us: now_us(),
            id,
        });
    }
    Ok((caller, notes))
}

impl Sent {
    fn new(messages: usize) -> Self {
        Self {
            started_us: vec![0; messages],
            accepted_us: vec![0; messages],
            ids: vec![None; messages],
        }
    }

    /// From the start of each call to its answer.
    pub(crate) fn accept(&self) -> Percentiles {
        let pairs = self.started_us.iter().zip(&self.accepted_us);
        Percentiles::of(
            pairs
                .map(|(started, accepted)| accepted.saturating_sub(*started))
                .collect(),
        )
    }

    fn keep(&mut self, note: Note) {
        self.started_us[note.index] = note.started_us;
        self.accepted_us[note.index] = note.accepted_us;
        self.ids[note.index] = note.id;
    }
}
