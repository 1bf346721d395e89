//! Measures message lives per second: insert, claim, finish, each durable.
//!
//! `cargo run --release -p sms-sqlite --example throughput -- [LIVES] [FOLDER]`

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sms_core::conformance::{Samples, changed, finished};
use sms_core::{
    Change, Committed, Inserted, ListFilter, Message, State, Store, StoreError, Timestamp,
};
use sms_sqlite::SqliteStore;

/// One tick of the CPU times in /proc is a hundredth of a second on Linux.
const TICK_MICROS: f64 = 10_000.0;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let lives: usize = arguments
        .next()
        .map_or(Ok(100_000), |lives| lives.parse())?;
    let folder = arguments
        .next()
        .map_or_else(std::env::temp_dir, PathBuf::from);
    println!("{lives} lives each, below {}", folder.display());
    println!("batch tasks     lives/s   us CPU/life   ms p50   ms p99   slowest (per call)");
    for (batch, tasks) in [
        (1, 1),
        (1, 64),
        (10, 8),
        (100, 1),
        (100, 4),
        (500, 2),
        (1_000, 1),
    ] {
        let lives = if batch * tasks < 50 {
            lives / 20
        } else {
            lives
        };
        measure(&folder, lives, batch, tasks).await?;
    }
    ask(&folder, lives).await
}

/// How long questions take of a file with so many messages.
async fn ask(folder: &Path, stored: usize) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir_in(folder)?;
    let store = SqliteStore::open(folder.path().join("sms.db"))?;
    let samples = Samples::new(2);
    live(&store, &samples, stored, 1_000).await;
    let message = samples.message();
    store.insert(vec![message.clone()]).await?;
    let rejected = |message: &Message| finished(message, State::Rejected, samples.now());
    store.commit(vec![rejected(&message)]).await?;
    let everything = ListFilter::default();
    let to = ListFilter {
        to: Some(message.request.to),
        ..everything.clone()
    };
    let states = vec![State::Rejected];
    let rare = ListFilter {
        states,
        ..everything.clone()
    };
    println!("one question of {stored} messages:");
    time("load by id", store.load(&[message.id()])).await?;
    time("count", store.count()).await?;
    time("due, none is", store.due(Timestamp::MAX, 100)).await?;
    time("list the latest 50", store.list(&everything, None, 50)).await?;
    time("list by a rare state", store.list(&rare, None, 50)).await?;
    time("list by recipient", store.list(&to, None, 50)).await?;
    time("parked, none is", store.parked(&[samples.key()])).await?;
    time(
        "remove 500 finished",
        store.remove_finished(Timestamp::MAX, 500),
    )
    .await
}

async fn time<T>(
    what: &str,
    question: impl Future<Output = Result<T, StoreError>>,
) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    question.await?;
    let took = started.elapsed().as_micros();
    println!("{what:>24} {took:>8} us");
    Ok(())
}

async fn measure(
    folder: &Path,
    lives: usize,
    batch: usize,
    tasks: usize,
) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir_in(folder)?;
    let store = Arc::new(SqliteStore::open(folder.path().join("sms.db"))?);
    let samples = Arc::new(Samples::new(1));
    let (started, cpu) = (Instant::now(), cpu_micros()?);
    let workers: Vec<_> = (0..tasks)
        .map(|_| {
            let (store, samples) = (store.clone(), samples.clone());
            tokio::spawn(async move { live(&store, &samples, lives / tasks, batch).await })
        })
        .collect();
    let mut calls = Vec::new();
    for worker in workers {
        calls.extend(worker.await?);
    }
    let (took, cpu) = (started.elapsed().as_secs_f64(), cpu_micros()? - cpu);
    calls.sort();
    let millis = |call: &Duration| call.as_secs_f64() * 1_000.0;
    let at = |share: usize| millis(&calls[calls.len() * share / 100]);
    let done = calls.len() / 3 * batch;
    println!(
        "{batch:>5} {tasks:>5} {:>11.0} {:>13.1} {:>8.2} {:>8.2} {:>9.2}",
        done as f64 / took,
        cpu / done as f64,
        at(50),
        at(99),
        calls.last().map_or(0.0, millis)
    );
    Ok(())
}

/// Takes messages from insertion to the end; how long each call took.
async fn live(store: &SqliteStore, samples: &Samples, lives: usize, batch: usize) -> Vec<Duration> {
    let mut calls = Vec::new();
    for _ in 0..lives / batch {
        let messages = samples.messages(batch);
        let started = Instant::now();
        let answers = store.insert(messages.clone()).await;
        calls.push(started.elapsed());
        assert!(answers.is_ok_and(|answers| answers.iter().all(|one| *one == Inserted::Created)));
        let claim = |message: Message| {
            changed(&message, |progress| {
                progress.state = State::Sending;
                progress.attempts.push(samples.bare_attempt(samples.now()));
            })
        };
        let messages = commit(store, messages, &claim, &mut calls).await;
        let finish = |message: Message| {
            let mut change = finished(&message, State::Delivered, samples.now());
            if let Some(attempt) = change.after.attempts.last_mut() {
                attempt.provider_id = Some(samples.provider_id());
            }
            change
        };
        commit(store, messages, &finish, &mut calls).await;
    }
    calls
}

async fn commit(
    store: &SqliteStore,
    messages: Vec<Message>,
    change: &(dyn Fn(Message) -> Change + Sync),
    calls: &mut Vec<Duration>,
) -> Vec<Message> {
    let changes: Vec<Change> = messages.into_iter().map(change).collect();
    let after = |change: &Change| Message {
        request: change.before.request.clone(),
        progress: change.after.clone(),
    };
    let messages = changes.iter().map(after).collect();
    let started = Instant::now();
    let answers = store.commit(changes).await;
    calls.push(started.elapsed());
    assert!(answers.is_ok_and(|answers| answers.iter().all(|one| *one == Committed::Applied)));
    messages
}

/// What this process has used of all processors; it makes the messages, too.
fn cpu_micros() -> Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    Ok(ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        * TICK_MICROS)
}
