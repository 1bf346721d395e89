//! Whose file it is, and what is said when it is not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rusqlite::Connection;
use sms_core::Store;
use sms_core::conformance::Samples;
use sms_sqlite::{OpenError, SqliteStore};
use tempfile::TempDir;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sms.db");
    (folder, file)
}

fn refused(file: &Path) -> OpenError {
    let error = SqliteStore::open(file).expect_err("the file is refused");
    let told = error.to_string();
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(told.contains(name), "{told} names the file");
    error
}

#[test]
fn the_folder_is_made() {
    let (folder, _) = folder();
    let file = folder.path().join("not/there/yet/sms.db");
    let store = SqliteStore::open(&file).unwrap();
    assert_eq!(store.path(), fs::canonicalize(&file).unwrap());
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let (_folder, file) = folder();
    drop(SqliteStore::open(&file).unwrap());
    let connection = Connection::open(&file).unwrap();
    connection.pragma_update(None, "user_version", 7).unwrap();
    drop(connection);
    let error = refused(&file);
    assert!(matches!(
        error,
        OpenError::NewerFormat {
            found: 7,
            known: 1,
            ..
        }
    ));
    let told = error.to_string();
    assert!(
        told.contains("format 7") && told.contains("up to 1"),
        "{told}"
    );
}

#[test]
fn another_programs_database_is_refused_and_left_as_it_was() {
    let (_folder, file) = folder();
    let connection = Connection::open(&file).unwrap();
    connection
        .execute_batch("CREATE TABLE cookies (name TEXT)")
        .unwrap();
    drop(connection);
    let before = fs::read(&file).unwrap();
    assert!(matches!(refused(&file), OpenError::NotOurs { .. }));
    assert_eq!(fs::read(&file).unwrap(), before);
    assert!(!file.with_extension("db-wal").exists());
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_was() {
    let (_folder, file) = folder();
    let text = "Dear diary, ".repeat(1_000);
    fs::write(&file, &text).unwrap();
    assert!(matches!(refused(&file), OpenError::NotOurs { .. }));
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn an_empty_file_becomes_a_store() {
    let (_folder, file) = folder();
    fs::write(&file, "").unwrap();
    SqliteStore::open(&file).unwrap();
}

#[test]
fn a_damaged_file_is_refused_by_name() {
    let (_folder, file) = folder();
    drop(SqliteStore::open(&file).unwrap());
    let mut bytes = fs::read(&file).unwrap();
    // The header stays, what it leads to does not.
    bytes[100..].fill(0xAB);
    fs::write(&file, bytes).unwrap();
    assert!(matches!(refused(&file), OpenError::Damaged { .. }));
}

#[test]
fn a_second_opener_in_this_process_is_refused() {
    let (folder, file) = folder();
    let store = SqliteStore::open(&file).unwrap();
    let Err(OpenError::Locked { holder, .. }) = SqliteStore::open(&file) else {
        panic!("it is open already");
    };
    assert_eq!(holder, Some(std::process::id()));
    // However the path is spelt.
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    assert!(matches!(
        SqliteStore::open(&link),
        Err(OpenError::Locked { .. })
    ));
    drop(store);
    SqliteStore::open(&link).expect("the lock went with the store");
}

#[test]
fn a_second_process_is_refused_until_the_first_is_gone() {
    let (_folder, file) = folder();
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--ignored",
            "--nocapture",
            "opening::holds_the_file_until_told",
        ])
        .env("SMS_SQLITE_TEST_HOLD", &file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufReader::new(holder.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("open") {
        line.clear();
        std::io::BufRead::read_line(&mut lines, &mut line).unwrap();
    }
    let told = refused(&file).to_string();
    assert!(told.contains(&format!("process {}", holder.id())), "{told}");
    holder.kill().unwrap();
    holder.wait().unwrap();
    SqliteStore::open(&file).expect("the lock went with the process");
}

/// Not a test: the process that has the file open.
#[test]
#[ignore = "waits until it is killed, by the test above"]
fn holds_the_file_until_told() {
    let Some(file) = std::env::var_os("SMS_SQLITE_TEST_HOLD") else {
        return;
    };
    let _store = SqliteStore::open(file).unwrap();
    println!("\nopen");
    let _ = std::io::stdin().read_line(&mut String::new());
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let (folder, _) = folder();
    fs::write(folder.path().join("regular"), "file").unwrap();
    let file = folder.path().join("regular/below/sms.db");
    let error = refused(&file);
    assert!(matches!(error, OpenError::Unwritable { .. }));
    assert!(std::error::Error::source(&error).is_some(), "and why");
}

#[test]
fn a_path_that_is_a_folder_is_told() {
    let (folder, _) = folder();
    let path = folder.path().join("sms.db");
    fs::create_dir(&path).unwrap();
    assert!(matches!(refused(&path), OpenError::Unwritable { .. }));
}

#[test]
fn opening_needs_no_runtime_and_dropping_neither() {
    let (_folder, file) = folder();
    for _ in 0..3 {
        drop(SqliteStore::open(&file).unwrap());
    }
    let names: Vec<_> = fs::read_dir(file.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        !names.iter().any(|name| name == "sms.db-wal"),
        "the log is tidied away: {names:?}"
    );
}

/// A person with a tool may hold the file for a moment: writing waits for them.
#[tokio::test]
async fn a_tool_that_writes_for_a_moment_is_waited_for() {
    let (_folder, file) = folder();
    let store = SqliteStore::open(&file).unwrap();
    let tool = Connection::open(&file).unwrap();
    tool.execute_batch("BEGIN IMMEDIATE").unwrap();
    let samples = Samples::new(1);
    let insert = store.insert(samples.messages(1));
    let release = async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        tool.execute_batch("ROLLBACK").unwrap();
    };
    let (answer, ()) = tokio::join!(insert, release);
    answer.unwrap();
}
