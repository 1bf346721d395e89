//! What keeps a server from starting besides its configuration.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::server::{PATIENCE, Server, complaint, free_port, get, sms};

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

/// A configuration with this store, and with ports that nobody uses.
fn over(store: &str) -> String {
    ports("", 0).replace("memory:", store)
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let words = refusal(folder.path(), &over("sqlite:./file/sms.db"));
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
    let words = refusal(folder.path(), &over("sqlite:x.db"));
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

/// Waits until something listens there.
fn listens(address: &str) {
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < deadline, "nothing listens at {address}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn probes_are_answered_while_the_store_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = free_port();
    let toml = ports("", 0).replace("memory:", &format!("redis://127.0.0.1:{store}"));
    std::fs::write(folder.path().join("sms.toml"), &toml).unwrap();
    let admin = toml.rsplit('"').nth(1).unwrap().to_owned();
    let mut server = sms(folder.path())
        .arg("serve")
        .stdout(Stdio::null())
        .stderr(File::create(folder.path().join("log")).unwrap())
        .spawn()
        .unwrap();
    listens(&admin);
    assert_eq!(get(&admin, "/livez"), (200, "ok\n".into()));
    let starting = (503, "starting: waiting for the store\n".into());
    assert_eq!(get(&admin, "/readyz"), starting);
    assert_eq!(get(&admin, "/metrics").0, 503);
    assert_eq!(server.try_wait().unwrap(), None);
    server.kill().unwrap();
    server.wait().unwrap();
}

/// What the log of a server with this provider says after its start.
fn log_of(folder: &Path, url: &str, more: &str) -> String {
    let toml = format!(
        "store = \"memory:\"\n[[provider]]\nname = \"main\"\nkind = \"megafon\"\nfrom = \"Me\"\n\
         login = \"me\"\npassword = \"p\"\n{url}\n[grpc]\nlisten = \"127.0.0.1:0\"\n[admin]\n\
         listen = \"127.0.0.1:0\"\n[delivery]\nlisten = \"127.0.0.1:0\"\n{more}"
    );
    Server::start_exactly(folder, &toml).log()
}

#[test]
fn a_provider_that_is_told_this_machines_own_address_is_told_of() {
    let here = "url = \"http://127.0.0.1:9/sms\"";
    let public = "public_url = \"http://sms.example.com\"\ntrusted_proxies = [\"127.0.0.1\"]";
    for (url, more, warned) in [("", "", true), (here, "", false), ("", public, false)] {
        let folder = tempfile::tempdir().unwrap();
        let log = log_of(folder.path(), url, more);
        assert_eq!(log.contains("set delivery.public_url"), warned, "{log}");
        assert!(!log.contains("sends nothing"), "{log}");
    }
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
