//! What keeps a server from starting besides its configuration.

use std::net::TcpListener;

use crate::server::{Server, complaint, free_port, sms};

fn refusal(folder: &std::path::Path, toml: &str) -> String {
    std::fs::write(folder.join("sms.toml"), toml).unwrap();
    let output = sms(folder).arg("serve").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let words = complaint(&output);
    assert!(
        words.starts_with("error: ") && words.lines().count() == 1,
        "{words}"
    );
    words
}

fn ports(taken: &str, port: u16) -> String {
    let listen = |section: &str| {
        let port = if section == taken { port } else { free_port() };
        format!("[{section}]\nlisten = \"127.0.0.1:{port}\"\n")
    };
    format!(
        "store = \"memory:\"\n{}{}{}",
        listen("grpc"),
        listen("delivery"),
        listen("admin")
    )
}

#[test]
fn a_port_in_use_is_told_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for section in ["grpc", "delivery", "admin"] {
        let words = refusal(folder.path(), &ports(section, port));
        for part in [
            format!("{section}.listen"),
            format!("127.0.0.1:{port}"),
            "Address already in use".into(),
            "choose another port".into(),
        ] {
            assert!(words.contains(&part), "{part} in {words}");
        }
    }
}

#[test]
fn a_port_in_use_is_found_before_a_store_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for section in ["grpc", "delivery", "admin"] {
        let toml = ports(section, port).replace("memory:", "sqlite:./data/sms.db");
        refusal(folder.path(), &toml);
        assert!(!folder.path().join("data").exists(), "{section}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let words = refusal(folder.path(), "store = \"sqlite:./file/sms.db\"");
    assert!(words.starts_with("error: sms.toml:1:1: store: "), "{words}");
    assert!(
        words.contains("file/sms.db") && words.contains("cannot be written"),
        "{words}"
    );
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.db");
    std::fs::write(&file, "dear diary, this is no database at all").unwrap();
    let words = refusal(folder.path(), "store = \"sqlite:x.db\"");
    assert!(words.contains("is not a store of messages"), "{words}");
    assert_eq!(
        std::fs::read_to_string(file).unwrap(),
        "dear diary, this is no database at all"
    );
}

#[test]
fn a_second_process_on_the_same_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Server::start(folder.path(), "");
    let mut second = sms(folder.path());
    for section in ["GRPC", "DELIVERY", "ADMIN"] {
        second.env(format!("SMS__{section}__LISTEN"), "127.0.0.1:0");
    }
    let output = second.arg("serve").output().unwrap();
    let words = complaint(&output);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(
        words.contains("store: ") && words.contains("in use by"),
        "{words}"
    );
}

#[test]
fn a_role_alone_needs_a_store_that_is_shared() {
    let folder = tempfile::tempdir().unwrap();
    let output = sms(folder.path())
        .args(["serve", "--role", "api"])
        .output()
        .unwrap();
    let words = complaint(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(words.contains("store: serves one process only"), "{words}");
}
