//! Numbers and texts are personal data.

use crate::server::{Server, get};

#[test]
fn neither_log_nor_metrics_hold_a_number_or_a_text() {
    let folder = tempfile::tempdir().unwrap();
    let config = "store = \"memory:\"\n[log]\nlevel = \"trace,sms_core=trace\"\nformat = \"json\"\n[retry]\nbase = \"1s\"\n";
    let server = Server::start(folder.path(), config);
    for text in [
        "Geheimnis",
        "Geheimnis #fail",
        "Geheimnis #reject",
        "Geheimnis #twice",
        "Geheimnis #cut",
        "Geheimnis #error",
    ] {
        server.run(&["send", "--wait", "+79997654321", text]);
    }
    server.run(&["send", "+7999765432", "Geheimnis"]);
    server.run(&["list", "--to", "+79997654321"]);
    let (_, metrics) = get(&server.admin, "/metrics");
    let log = server.log();
    assert!(
        log.lines().count() > 5,
        "the log holds what there is to see: {log}"
    );
    for (name, told) in [("log", &log), ("metrics", &metrics)] {
        for secret in ["9997654321", "999765432", "Geheimnis"] {
            if let Some(line) = told.lines().find(|line| line.contains(secret)) {
                panic!("the {name} holds {secret}: {line}");
            }
        }
    }
}

#[test]
fn a_json_log_is_json() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(
        folder.path(),
        "store = \"memory:\"\n[log]\nformat = \"json\"\nlevel = \"debug\"\n",
    );
    server.says(&["send", "--wait", "+79991234567", "Hi"]);
    let log = server.log();
    for line in log.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(
            entry["level"].is_string() && entry["timestamp"].is_string(),
            "{line}"
        );
        assert_eq!(line.matches("\"message\":").count(), 1, "{line}");
    }
    assert!(log.contains("\"message\":\"listening\""), "{log}");
}
