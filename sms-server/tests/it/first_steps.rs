//! What a newcomer does first.

use crate::server::Server;

const PORTS: [(&str, &str); 3] = [
    ("SMS__GRPC__LISTEN", "127.0.0.1:0"),
    ("SMS__DELIVERY__LISTEN", "127.0.0.1:0"),
    ("SMS__ADMIN__LISTEN", "127.0.0.1:0"),
];

#[test]
fn without_configuration_a_message_is_sent_and_seen_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::spawn(folder.path(), &["serve", "--json"], &PORTS);
    assert_eq!(server.said["providers"][0], "sandbox");
    assert!(folder.path().join("data/sms.db").is_file());
    let log = server.log();
    assert!(
        log.contains("WARN") && log.contains("no [[provider]] is configured"),
        "{log}"
    );
    let id = server.says(&["send", "--quiet", "+79991234567", "Hi"]);
    let id = id.trim();
    let shown = server.says(&["watch", id]);
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines[0].ends_with("queued       accepted"), "{shown}");
    assert!(
        lines
            .last()
            .unwrap()
            .contains("sandbox reported: delivered"),
        "{shown}"
    );
    let status = server.json(&["status", id]);
    assert_eq!(status[0]["state"], "delivered");
}

#[test]
fn messages_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::spawn(folder.path(), &["serve", "--json"], &PORTS);
    let sent = server.json(&["send", "+79991234567", "Hi"]);
    let id = sent[0]["message"]["id"].as_str().unwrap().to_owned();
    server.kill();
    let server = Server::spawn(folder.path(), &["serve", "--json"], &PORTS);
    let status = server.json(&["status", &id]);
    assert_eq!(status[0]["text"], "Hi");
}

#[test]
fn send_wait_tells_success_from_failure() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::spawn(folder.path(), &["serve", "--json"], &PORTS);
    let done = server.run(&["send", "--wait", "+79991234567", "Hi"]);
    assert!(done.status.success());
    let done = server.run(&["send", "--wait", "+79991234567", "Hi #fail"]);
    assert_eq!(done.status.code(), Some(1));
    let words = crate::server::complaint(&done);
    assert!(
        words.starts_with("error: the message was not delivered: it is undelivered"),
        "{words}"
    );
}
