//! `/livez`, `/readyz`, `/metrics`, and `sms health`, which asks the first two.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::account::settled;
use crate::server::{Server, complaint, free_port, get, sms};

#[test]
fn a_server_at_work_lives_is_ready_and_counts() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), "store = \"memory:\"");
    assert_eq!(get(&server.admin, "/livez"), (200, "ok\n".into()));
    let (status, words) = get(&server.admin, "/readyz");
    let remark = "ok\nno [[provider]] is configured: ";
    assert!(status == 200 && words.starts_with(remark), "{words}");
    assert_eq!(get(&server.admin, "/").0, 404);
    server.says(&["send", "--key", "k", "+79991234567", "Hi"]);
    server.says(&["send", "--key", "k", "+79991234567", "Hi"]);
    settled(&server);
    let (status, metrics) = get(&server.admin, "/metrics");
    assert_eq!(status, 200);
    for line in [
        "sms_messages_accepted_total 1",
        "sms_messages_replayed_total 1",
        "sms_messages_finished_total{state=\"delivered\"} 1",
        "sms_attempts_total{provider=\"sandbox\",outcome=\"accepted\"} 1",
        "sms_reports_total{provider=\"sandbox\",status=\"delivered\"} 1",
        "sms_messages{state=\"delivered\"} 1",
        "sms_messages{state=\"queued\"} 0",
        "sms_oldest_overdue_deadline_seconds 0.0",
        "sms_accept_to_first_attempt_seconds_count 1",
        "sms_accept_to_delivered_seconds_count 1",
        "sms_provider_seconds_count{provider=\"sandbox\"} 1",
        "sms_store_up 1",
        "# EOF",
    ] {
        assert!(
            metrics.lines().any(|given| given == line),
            "{line} in {metrics}"
        );
    }
}

#[test]
fn health_finds_the_server_by_its_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "store = \"memory:\"\n[admin]\nlisten = \"127.0.0.1:{}\"\n{}",
        free_port(),
        concat!(
            "[grpc]\nlisten = \"127.0.0.1:0\"\n",
            "[delivery]\nlisten = \"127.0.0.1:0\"\n",
        )
    );
    let server = Server::start_exactly(folder.path(), &config);
    assert!(server.says(&["health"]).starts_with("ok\n"));
    assert_eq!(server.says(&["health", "--live"]), "ok\n");
    let said = &server.json(&["health", "--live"])[0];
    assert_eq!(said["ok"], true, "{said}");
    assert_eq!(said["says"], "ok");
}

#[test]
fn health_repeats_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let admin = listener.local_addr().unwrap().to_string();
    let answers = [
        (
            "503 Service Unavailable",
            "store: gone\n",
            "error: store: gone",
        ),
        (
            "404 Not Found",
            "",
            "answered 404 Not Found: is it `sms serve` that listens there?",
        ),
    ];
    let answering = std::thread::spawn(move || {
        for (status, body, _) in answers {
            let (mut caller, _) = listener.accept().unwrap();
            let _ = caller.read(&mut [0; 1024]).unwrap();
            let length = body.len();
            write!(
                caller,
                "HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}"
            )
            .unwrap();
        }
    });
    for (_, _, expected) in answers {
        let output = sms(folder.path())
            .args(["health", "--admin", &admin])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let complaint = complaint(&output);
        assert!(complaint.ends_with(expected), "{complaint}");
    }
    answering.join().unwrap();
    let output = sms(folder.path())
        .args(["health", "--admin", &admin])
        .output()
        .unwrap();
    let complaint = complaint(&output);
    assert!(
        complaint.contains(&admin) && complaint.contains("does `sms serve` run"),
        "{complaint}"
    );
}
