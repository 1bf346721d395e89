//! The commands: what they print, and what they say when they fail.

use std::io::Write as _;
use std::process::Stdio;

use crate::server::{Server, complaint, free_port, sms};

/// Ids, times and spans in words that do not change.
fn steady(text: &str) -> String {
    let line = |line: &str| {
        line.split(' ')
            .map(steady_word)
            .collect::<Vec<_>>()
            .join(" ")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn steady_word(word: &str) -> String {
    let shape: String = word
        .chars()
        .map(|c| if c.is_ascii_hexdigit() { 'x' } else { c })
        .collect();
    match shape.as_str() {
        "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" => "ID".into(),
        "xxxx-xx-xx" => "DATE".into(),
        "xx:xx:xx" => "TIME".into(),
        _ => word.into(),
    }
}

fn server(folder: &tempfile::TempDir) -> Server {
    Server::start(folder.path(), "store = \"memory:\"")
}

#[test]
fn send_tells_what_was_accepted_and_what_to_do_next() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder);
    let text = server.says(&["send", "--send-at", "1h", "+79991234567", "Привет"]);
    assert_eq!(
        steady(&text),
        "accepted ID\n  to        +79991234567\n  provider  sandbox\n  size      1 segment, UCS-2\n  \
         send at   DATE TIME UTC\nFollow it: sms watch ID"
    );
}

#[test]
fn status_list_and_cancel_show_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder);
    let id = server.says(&[
        "send",
        "-q",
        "--send-at",
        "1h",
        "--from",
        "Me",
        "+79991234567",
        "Hi",
    ]);
    let id = id.trim();
    assert_eq!(
        steady(&server.says(&["status", id])),
        "ID\n  state     scheduled\n  to        +79991234567\n  from      Me\n  text      Hi\n  \
         size      1 segment, GSM-7\n  provider  sandbox\n  attempts  0\n  \
         accepted  DATE TIME UTC\n  send at   DATE TIME UTC\n  expires   DATE TIME UTC"
    );
    assert_eq!(steady(&server.says(&["cancel", id])), "canceled ID");
    assert_eq!(
        steady(&server.says(&["list"])),
        format!(
            "{:<36}  STATE        TO                ACCEPTED                 PROVIDER    TEXT\n\
             ID  canceled     +79991234567      DATE TIME UTC  sandbox     Hi",
            "ID"
        )
    );
    assert_eq!(server.says(&["list", "--state", "queued"]), "no messages\n");
    assert_eq!(
        server
            .json(&["list", "--state", "canceled", "--state", "sent"])
            .len(),
        1
    );
}

#[test]
fn preview_tells_segments_and_replacements() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder);
    assert_eq!(
        server.says(&["preview", "Hi"]),
        "encoding  GSM-7\nsegments  1\nlength    2 septets, at most 160 in a segment\nprovider  \
         sandbox\ntext      Hi\n"
    );
    let smart = server.says(&["preview", "--encoding", "gsm7-smart", "“Hi”"]);
    assert!(smart.contains("GSM-7 (as it was given: UCS-2)"), "{smart}");
    assert!(
        smart.contains("replaced  \"“\" by \"\"\", 1 times"),
        "{smart}"
    );
}

#[test]
fn a_text_can_come_from_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder);
    let mut child = sms(folder.path())
        .env("SMS_SERVER", &server.grpc)
        .args(["--json", "send", "+79991234567", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all("two\nlines\n".as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let sent: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(sent["message"]["text"], "two\nlines");
}

#[test]
fn a_key_makes_a_repeat_harmless_and_tells_another_message_apart() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder);
    let first = server.json(&["send", "--key", "k", "+79991234567", "Hi"]);
    let second = server.json(&["send", "--key", "k", "+79991234567", "Hi"]);
    assert_eq!(second[0]["replayed"], true);
    assert_eq!(first[0]["message"]["id"], second[0]["message"]["id"]);
    let other = server.run(&["send", "--key", "k", "+79991234567", "Ho"]);
    assert_eq!(other.status.code(), Some(1));
    let words = complaint(&other);
    assert!(
        words.contains("used for a message with other contents"),
        "{words}"
    );
}

#[test]
fn every_failure_has_words_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder);
    let sent = server.says(&["send", "-q", "+79991234567", "Hi #never"]);
    let sent = sent.trim();
    while server.json(&["status", sent])[0]["state"] != "sent" {}
    let unknown = "00000000-0000-7000-8000-000000000000";
    for (arguments, expected) in [
        (
            &["status", unknown][..],
            "error: there is no message 00000000-",
        ),
        (&["trace", unknown], "error: there is no message 00000000-"),
        (&["watch", unknown], "error: there is no message 00000000-"),
        (&["cancel", unknown], "error: there is no message 00000000-"),
        (&["status", "x"], "error: id: "),
        (
            &["cancel", sent],
            "error: the message cannot be taken back any more: it is sent",
        ),
        (&["send", "12", "Hi"], "error: to: "),
        (&["send", "+79991234567", ""], "error: text: "),
        (
            &["send", "--provider", "x", "+79991234567", "Hi"],
            "error: provider: none of the name x",
        ),
        (
            &["send", "--encoding", "gsm7-strict", "+79991234567", "Ж"],
            "error: text: ",
        ),
        (
            &["send", "--validity", "1ms", "+79991234567", "Hi"],
            "error: validity: ",
        ),
    ] {
        let output = server.run(arguments);
        let words = complaint(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {words}");
        assert!(words.starts_with(expected), "{arguments:?}: {words}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_server_that_is_not_there_is_told_from_one_that_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let server = format!("http://127.0.0.1:{}", free_port());
    let output = sms(folder.path())
        .args(["list", "--server", &server])
        .output()
        .unwrap();
    let words = complaint(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        words.starts_with(&format!("error: cannot reach {server} (")),
        "{words}"
    );
    assert!(
        words.contains("Connection refused") && words.contains("is `sms serve` running?"),
        "{words}"
    );
}

#[test]
fn a_reader_who_leaves_early_causes_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder);
    let mut child = sms(folder.path())
        .env("SMS_SERVER", &server.grpc)
        .args(["config", "init"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(complaint(&output), "");
    assert!(output.status.success());
}

#[test]
fn an_api_key_lets_in_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let made = sms(folder.path())
        .args(["--json", "config", "key", "shop"])
        .output()
        .unwrap();
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let (key, hash) = (
        made["key"].as_str().unwrap(),
        made["hash"].as_str().unwrap(),
    );
    let config = format!("store = \"memory:\"\n[[api_key]]\nname = \"shop\"\nhash = \"{hash}\"\n");
    let server = Server::start(folder.path(), &config);
    assert_eq!(server.says(&["list", "--api-key", key]), "no messages\n");
    let words = complaint(&server.run(&["list"]));
    assert!(
        words.contains("API key is needed") && words.ends_with("SMS_API_KEY"),
        "{words}"
    );
    let words = complaint(&server.run(&["list", "--api-key", "sms_x"]));
    assert!(words.contains("was it copied whole?"), "{words}");
}

#[test]
fn the_key_command_prints_a_section_that_can_be_pasted() {
    let folder = tempfile::tempdir().unwrap();
    let output = sms(folder.path())
        .args(["config", "key", "my \"shop\""])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let section = &text[text.find("[[api_key]]").unwrap()..];
    std::fs::write(folder.path().join("sms.toml"), section).unwrap();
    let check = sms(folder.path())
        .args(["config", "check"])
        .output()
        .unwrap();
    assert!(check.status.success(), "{}", complaint(&check));
}

#[test]
fn the_file_to_begin_with_is_a_good_one() {
    let folder = tempfile::tempdir().unwrap();
    let init = sms(folder.path())
        .args(["config", "init"])
        .output()
        .unwrap();
    std::fs::write(folder.path().join("sms.toml"), init.stdout).unwrap();
    let check = sms(folder.path())
        .args(["config", "check"])
        .output()
        .unwrap();
    assert!(check.status.success(), "{}", complaint(&check));
    let shown = sms(folder.path())
        .args(["config", "show"])
        .output()
        .unwrap();
    assert!(
        String::from_utf8(shown.stdout)
            .unwrap()
            .contains("listen = \"127.0.0.1:50051\"")
    );
}

#[test]
fn a_client_finds_the_server_by_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let _server = Server::start_exactly(
        folder.path(),
        &format!(
            "store = \"memory:\"\n[grpc]\nlisten = \"127.0.0.1:{port}\"\n[delivery]\nlisten = \
             \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n"
        ),
    );
    let output = sms(folder.path()).arg("list").output().unwrap();
    assert!(output.status.success(), "{}", complaint(&output));
}

#[test]
fn the_simulator_serves_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = sms(folder.path())
        .args(["--json", "sandbox", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = child.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    let config = format!(
        "store = \"memory:\"\n[[provider]]\nname = \"trial\"\nkind = \"megafon\"\nurl = {}\nfrom = \
         \"Trial\"\nlogin = \"sandbox\"\npassword = \"sandbox\"\n",
        said["url"]
    );
    let server = Server::start(folder.path(), &config);
    server.says(&["send", "--wait", "+79991234567", "Hi"]);
    child.kill().unwrap();
    child.wait().unwrap();
}
