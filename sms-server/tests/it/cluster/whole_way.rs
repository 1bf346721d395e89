//! From the caller to the provider and back, each step in another process.

use super::{Cluster, metric, provider, sandbox, state, until};
use crate::account::{assert_balanced, count, settled};
use crate::broker;
use crate::load::Load;
use crate::server::get;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_goes_through_three_processes_and_its_trace_tells_all() {
    let (broker, sandbox) = (broker::shared().await, sandbox().await);
    let all_said = "[log]\nlevel = \"trace\"\n";
    let config = format!("{all_said}{}", provider("main", &sandbox, ""));
    let cluster = Cluster::new(&broker.url(), &config);
    let [api, worker, other, delivery] =
        ["api", "worker", "worker", "delivery"].map(|role| cluster.start(role));
    for (server, roles) in [(&api, "api"), (&worker, "worker"), (&delivery, "delivery")] {
        assert_eq!(server.said["roles"], serde_json::json!([roles]));
        assert_eq!(server.said["grpc"].is_string(), roles == "api");
        assert_eq!(server.said["delivery"].is_string(), roles == "delivery");
        assert_eq!(get(&server.admin, "/readyz"), (200, "ok\n".into()));
        assert_eq!(metric(server, "sms_queue_up"), Some(1.0));
        let (_, metrics) = get(&server.admin, "/metrics");
        assert!(
            metrics.contains("sms_redis_up{server=\"127.0.0.1:"),
            "{metrics}"
        );
    }
    let load = Load::start(&api.grpc);
    load.goes_on(100).await;
    let accepted = load.stop().await;
    let messages = settled(&api);
    assert_balanced(&api, &accepted, &messages, &sandbox);
    assert_eq!(count(&messages, "delivered"), messages.len());
    let attempts = "sms_attempts_total{provider=\"main\",outcome=\"accepted\"}";
    let made = |server| metric(server, attempts).unwrap_or_default();
    assert_eq!(made(&worker) + made(&other), messages.len() as f64);
    assert_eq!(made(&api) + made(&delivery), 0.0);
    let reports = "sms_reports_total{provider=\"main\",status=\"delivered\"}";
    assert_eq!(metric(&delivery, reports), Some(messages.len() as f64));

    let trace = api.says(&["trace", &accepted[0].id]);
    for step in [
        "queued       accepted",
        "sending      attempt 1 at main",
        "sent         main answered: accepted",
        "delivered    main reported: delivered",
    ] {
        assert!(trace.contains(step), "{step} in {trace}");
    }
    // A change that another process makes is seen by whoever watches here.
    let watched = api.says(&["send", "--wait", "+79991234567", "Hi"]);
    assert!(watched.contains("reported: delivered"), "{watched}");
    let log = api.log();
    for secret in ["9991234567", "message 1 of client", "guest:guest"] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "the log holds {secret}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_provider_workers_run_the_sandbox() {
    let broker = broker::shared().await;
    let cluster = Cluster::new(&broker.url(), "");
    let [api, worker, delivery] = ["api", "worker", "delivery"].map(|role| cluster.start(role));
    assert!(worker.said["sandbox"].is_string());
    assert!(api.said["sandbox"].is_null() && delivery.said["sandbox"].is_null());
    let id = api.says(&["send", "-q", "+79991234567", "Hi"]);
    until("delivered", || state(&api, id.trim()) == "delivered").await;
}
