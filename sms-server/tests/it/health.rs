//! `/livez`, `/readyz`, `/metrics`.

use crate::account::settled;
use crate::server::{Server, get};

#[test]
fn a_server_at_work_lives_is_ready_and_counts() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), "store = \"memory:\"");
    assert_eq!(get(&server.admin, "/livez"), (200, "ok\n".into()));
    assert_eq!(get(&server.admin, "/readyz"), (200, "ok\n".into()));
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
