//! Killing a process in the middle of its writing.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use sms_core::conformance::{Samples, changed, finished};
use sms_core::{Entropy, Message, MessageId, ReportKey, State, Store, SystemEntropy, Timestamp};
use sms_sqlite::SqliteStore;

use crate::books;

/// Tells the child where the file is.
const FILE: &str = "SMS_SQLITE_TEST_FILE";

const KILLS: usize = 25;

/// What the child said it was told to be durable: the version of each message, and parked keys.
#[derive(Default)]
struct Acknowledged {
    versions: HashMap<MessageId, u64>,
    parked: Vec<ReportKey>,
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sms.db");
    let mut acknowledged = Acknowledged::default();
    for round in 0..KILLS {
        let before = acknowledged.versions.len();
        let pause = Duration::from_millis(SystemEntropy.next_u64() % 60);
        kill_while_writing(&file, pause, &mut acknowledged);
        assert!(
            acknowledged.versions.len() > before,
            "round {round} wrote nothing"
        );
        let store = SqliteStore::open(&file).unwrap();
        books::balance(&store).await;
        check(&store, &acknowledged).await;
    }
}

async fn check(store: &SqliteStore, acknowledged: &Acknowledged) {
    let ids: Vec<MessageId> = acknowledged.versions.keys().copied().collect();
    let loaded = store.load(&ids).await.unwrap();
    for (id, message) in ids.iter().zip(loaded) {
        let version = message
            .expect("an acknowledged message is there")
            .progress
            .version;
        assert!(
            version >= acknowledged.versions[id],
            "{id} fell back to {version}"
        );
    }
    let parked = store.parked(&acknowledged.parked).await.unwrap();
    assert_eq!(parked.len(), acknowledged.parked.len());
}

/// Lets a process write; kills it so long after it was first told that something is durable.
pub(crate) fn write_and_kill(file: &Path, pause: Duration) {
    kill_while_writing(file, pause, &mut Acknowledged::default());
}

fn kill_while_writing(file: &Path, pause: Duration, acknowledged: &mut Acknowledged) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--ignored",
            "--nocapture",
            "crash::writes_until_it_is_killed",
        ])
        .env(FILE, file)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    while !note(&mut lines, acknowledged) {}
    let killer = thread::spawn(move || {
        thread::sleep(pause);
        kill(child);
    });
    // Until the pipe ends with the process.
    while !lines.fill_buf().unwrap().is_empty() {
        note(&mut lines, acknowledged);
    }
    killer.join().unwrap();
}

/// Signal 9: the process runs no further instruction.
fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Whether the next line told of an acknowledgement.
fn note(lines: &mut BufReader<ChildStdout>, acknowledged: &mut Acknowledged) -> bool {
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    // The last line may have been cut off: then it does not count.
    let Some(line) = line.strip_suffix('\n') else {
        return false;
    };
    let words: Vec<&str> = line.split(' ').collect();
    match words[..] {
        ["durable", id, version] => {
            let version = version.parse().unwrap();
            acknowledged.versions.insert(id.parse().unwrap(), version);
            true
        }
        ["parked", provider_id] => {
            acknowledged.parked.push(ReportKey {
                provider: "main".parse().unwrap(),
                provider_id: provider_id.parse().unwrap(),
            });
            true
        }
        _ => false,
    }
}

/// Not a test: the process that the tests kill.
#[test]
#[ignore = "runs until it is killed, by the other tests here"]
fn writes_until_it_is_killed() {
    let Some(file) = std::env::var_os(FILE) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let store = Arc::new(SqliteStore::open(file).unwrap());
    runtime.block_on(async {
        let tasks = (0..6).map(|_| tokio::spawn(write_for_ever(store.clone())));
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
}

async fn write_for_ever(store: Arc<SqliteStore>) {
    let samples = Samples::new(SystemEntropy.next_u64());
    loop {
        let messages = samples.messages(1 + samples.below(20));
        store.insert(messages.clone()).await.unwrap();
        tell(&messages);
        let claimed = commit(&store, messages, |message| {
            changed(message, |progress| {
                progress.state = State::Sending;
                progress.attempts.push(samples.bare_attempt(samples.now()));
            })
        })
        .await;
        tell(&claimed);
        let ended = commit(&store, claimed, |message| {
            let mut change = finished(message, State::Delivered, samples.now());
            if let Some(attempt) = change.after.attempts.last_mut() {
                attempt.provider_id = Some(samples.provider_id());
            }
            change
        })
        .await;
        tell(&ended);
        park(&store, &samples).await;
        remove_one(&store, &samples).await;
    }
}

async fn commit(
    store: &SqliteStore,
    messages: Vec<Message>,
    change: impl Fn(&Message) -> sms_core::Change,
) -> Vec<Message> {
    let changes: Vec<_> = messages.iter().map(change).collect();
    let progress: Vec<_> = changes.iter().map(|change| change.after.clone()).collect();
    store.commit(changes).await.unwrap();
    let after = |(message, progress): (Message, _)| Message {
        progress,
        ..message
    };
    messages.into_iter().zip(progress).map(after).collect()
}

fn tell(messages: &[Message]) {
    let lines: String = messages
        .iter()
        .map(|message| format!("durable {} {}\n", message.id(), message.progress.version))
        .collect();
    std::io::stdout()
        .lock()
        .write_all(lines.as_bytes())
        .unwrap();
}

async fn park(store: &SqliteStore, samples: &Samples) {
    let provider_id = format!("{:x}", samples.next_u64());
    let key = ReportKey {
        provider: "main".parse().unwrap(),
        provider_id: provider_id.parse().unwrap(),
    };
    let report = samples.parked(&key, samples.now());
    store.park(vec![report]).await.unwrap();
    let line = format!("parked {provider_id}\n");
    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
}

/// Messages that nobody is told of come and go.
async fn remove_one(store: &SqliteStore, samples: &Samples) {
    let message = samples.message();
    store.insert(vec![message.clone()]).await.unwrap();
    let long_ago = Timestamp::from_millis(1);
    commit(store, vec![message], |message| {
        finished(message, State::Failed, long_ago)
    })
    .await;
    store
        .remove_finished(Timestamp::from_millis(2), 10)
        .await
        .unwrap();
}
