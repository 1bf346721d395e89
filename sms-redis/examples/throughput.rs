//! Measures message lives per second, and what they cost the server: insert, claim, answer with a
//! look for early reports, report, each durable.
//!
//! `cargo run --release -p sms-redis --example throughput -- [LIVES] [BATCH] [FOLDER] [OPTIONS]`
//!
//! Without BATCH, several sizes are measured. OPTIONS are those of the store's address, such as
//! `shards=4`. It starts a `redis-server` of its own, which syncs every write, in FOLDER.

use std::error::Error;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sms_core::conformance::{Samples, changed, finished};
use sms_core::{Change, Committed, Inserted, Message, ProviderId, ReportKey, State, Store};
use sms_redis::{Options, RedisStore};

/// One tick of the CPU times in /proc is a hundredth of a second on Linux.
const TICK_MICROS: f64 = 10_000.0;

const TEXT: &str = "Your parcel 4512-7781 is at the counter. The code is 123456, it is kept until \
                    Friday evening 20:00___";

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let lives: usize = arguments.next().map_or(Ok(20_000), |lives| lives.parse())?;
    let batch = arguments.next().map(|batch| batch.parse()).transpose()?;
    let folder = arguments
        .next()
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let options = arguments.next().unwrap_or_default();
    println!("{lives} lives each, below {}", folder.display());
    println!("batch tasks     lives/s   us CPU/life: server   client   ms p50   ms p99 (per call)");
    let all = [(1, 1), (1, 64), (10, 4), (30, 4), (60, 4), (128, 4)];
    let chosen = batch.map_or(all.to_vec(), |batch| vec![(batch, 4)]);
    for (batch, tasks) in chosen {
        let is_slow = batch * tasks < 40;
        let lives = if is_slow { lives / 20 } else { lives };
        measure(&folder, &options, lives, batch, tasks).await?;
    }
    Ok(())
}

async fn measure(
    folder: &Path,
    options: &str,
    lives: usize,
    batch: usize,
    tasks: usize,
) -> Result<(), Box<dyn Error>> {
    let server = Server::start(folder)?;
    let options: Options = format!("redis://127.0.0.1:{}?{options}", server.port).parse()?;
    let store = RedisStore::connect(&options).await?;
    let samples = Arc::new(Samples::new(1));
    let ids = [std::process::id(), server.process.id()];
    let (started, before) = (Instant::now(), ids.map(cpu_micros));
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
    let (took, after) = (started.elapsed().as_secs_f64(), ids.map(cpu_micros));
    calls.sort();
    let at = |share: usize| calls[calls.len() * share / 100].as_secs_f64() * 1_000.0;
    let done = (lives / tasks / batch * batch * tasks) as f64;
    println!(
        "{batch:>5} {tasks:>5} {:>11.0} {:>21.1} {:>8.1} {:>8.2} {:>8.2}",
        done / took,
        (after[1] - before[1]) / done,
        (after[0] - before[0]) / done,
        at(50),
        at(99),
    );
    Ok(())
}

/// Takes messages from insertion to the end; how long each call took.
async fn live(store: &RedisStore, samples: &Samples, lives: usize, batch: usize) -> Vec<Duration> {
    let mut calls = Vec::new();
    let new = || samples.message_with(|request| request.text = TEXT.parse().expect("a text"));
    for _ in 0..lives / batch {
        let messages: Vec<Message> = (0..batch).map(|_| new()).collect();
        let answers = timed(&mut calls, store.insert(messages.clone())).await;
        assert!(answers.iter().all(|one| *one == Inserted::Created));
        let claim = |message: &Message| {
            changed(message, |progress| {
                progress.state = State::Sending;
                progress.attempts.push(samples.bare_attempt(samples.now()));
            })
        };
        let messages = commit(store, &messages, &claim, &mut calls).await;
        let provider_ids: Vec<ProviderId> =
            messages.iter().map(|_| samples.provider_id()).collect();
        let mut unused = provider_ids.iter();
        let answer = messages.iter().map(|message| {
            changed(message, |progress| {
                progress.state = State::Sent;
                progress.attempts[0].provider_id = unused.next().cloned();
            })
        });
        let messages = commit_all(store, answer.collect(), &mut calls).await;
        let key = |provider_id: ProviderId| ReportKey {
            provider: messages[0].request.route.clone(),
            provider_id,
        };
        let keys: Vec<ReportKey> = provider_ids.into_iter().map(key).collect();
        let parked = timed(&mut calls, store.parked(&keys)).await;
        assert!(parked.is_empty());
        let found = timed(&mut calls, store.find(&keys)).await;
        let ids: Vec<_> = found.into_iter().flatten().collect();
        let found = timed(&mut calls, store.load(&ids)).await;
        let messages: Vec<Message> = found.into_iter().flatten().collect();
        assert_eq!(messages.len(), batch);
        let report = |message: &Message| finished(message, State::Delivered, samples.now());
        commit(store, &messages, &report, &mut calls).await;
    }
    calls
}

async fn commit(
    store: &RedisStore,
    messages: &[Message],
    change: &(dyn Fn(&Message) -> Change + Sync),
    calls: &mut Vec<Duration>,
) -> Vec<Message> {
    commit_all(store, messages.iter().map(change).collect(), calls).await
}

async fn commit_all(
    store: &RedisStore,
    changes: Vec<Change>,
    calls: &mut Vec<Duration>,
) -> Vec<Message> {
    let after = |change: &Change| Message {
        request: change.before.request.clone(),
        progress: change.after.clone(),
    };
    let messages = changes.iter().map(after).collect();
    let answers = timed(calls, store.commit(changes)).await;
    assert!(answers.iter().all(|one| *one == Committed::Applied));
    messages
}

async fn timed<T, E: std::fmt::Debug>(
    calls: &mut Vec<Duration>,
    call: impl Future<Output = Result<T, E>>,
) -> T {
    let started = Instant::now();
    let answer = call.await;
    calls.push(started.elapsed());
    answer.expect("the store works")
}

/// A server and its folder, gone when dropped.
struct Server {
    process: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start(below: &Path) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir_in(below)?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--appendonly", "yes", "--appendfsync", "always"])
            // Saving and rewriting would be measured in some runs and not in others.
            .args(["--save", "", "--auto-aof-rewrite-percentage", "0"])
            .arg("--dir")
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()?;
        let server = Self {
            process,
            port,
            _folder: folder,
        };
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a process has used of all processors. Of this one that includes making the messages.
fn cpu_micros(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks = ticks.filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() * TICK_MICROS
}
