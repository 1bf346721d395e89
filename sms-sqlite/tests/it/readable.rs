//! The file can be read with the ordinary `sqlite3` tool, as the README says.

use std::process::Command;

use sms_core::Store;
use sms_core::conformance::{Samples, finished};
use sms_sqlite::SqliteStore;

const README: &str = include_str!("../../README.md");

/// The commands in the README, one a line.
fn commands() -> Vec<&'static str> {
    README
        .lines()
        .filter(|line| line.starts_with("sqlite3 "))
        .collect()
}

#[tokio::test]
async fn every_command_of_the_readme_works_while_the_store_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("sms.db")).unwrap();
    let samples = Samples::new(1);
    let mut messages = samples.messages(3);
    messages.push(samples.rich());
    store.insert(messages.clone()).await.unwrap();
    let end = finished(&messages[0], sms_core::State::Failed, samples.now());
    store.commit(vec![end]).await.unwrap();
    let key = samples.key();
    store
        .park(vec![samples.parked(&key, samples.now())])
        .await
        .unwrap();
    let id = messages[0].id().to_string().replace('-', "");
    assert!(commands().len() >= 6, "the README shows how");
    for command in commands() {
        let command = command.replace("018f4e9a7c1b7abc8def0123456789ab", &id);
        let output = Command::new("sh")
            .args(["-c", &command])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let problem = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && problem.is_empty(),
            "{command}: {problem} (on Debian: apt-get install sqlite3)"
        );
    }
}

#[tokio::test]
async fn the_view_shows_ids_times_and_states_as_people_write_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sms.db");
    let store = SqliteStore::open(&path).unwrap();
    let message = Samples::new(2).rich();
    store.insert(vec![message.clone()]).await.unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    let row = connection.query_row(
        "SELECT id, accepted_at, deadline, state, recipient, provider_id FROM messages",
        [],
        |row| {
            (0..6)
                .map(|index| row.get::<_, String>(index))
                .collect::<Result<Vec<_>, _>>()
        },
    );
    let progress = &message.progress;
    let provider_id = progress.attempts[1].provider_id.as_ref().unwrap();
    let expected = [
        message.id().to_string(),
        message.request.accepted_at.to_string(),
        progress.deadline.unwrap().to_string(),
        "unconfirmed".to_owned(),
        message.request.to.e164().as_str().to_owned(),
        provider_id.to_string(),
    ];
    assert_eq!(row.unwrap(), expected);
}
