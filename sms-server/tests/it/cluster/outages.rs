//! The broker or the store is not there.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Cluster, how_many, metric, provider, sandbox, send_many, until};
use crate::broker;
use crate::redis_server::Server as Redis;
use crate::server::{complaint, free_port, get, sms};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_broker_messages_are_accepted_and_flow_when_it_is_back() {
    let (mut broker, sandbox) = (broker::exclusive().await, sandbox().await);
    let cluster = Cluster::new(&broker.url(), &provider("main", &sandbox, ""));
    let [api, worker, _delivery] = ["api", "worker", "delivery"].map(|role| cluster.start(role));
    send_many(&api, 3, "main");
    until("delivered", || how_many(&api, "delivered") == 3).await;

    broker.kill();
    let begun = Instant::now();
    send_many(&api, 10, "main");
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "callers do not wait for the broker"
    );
    until("noticed", || metric(&api, "sms_queue_up") == Some(0.0)).await;
    let (status, words) = get(&api.admin, "/readyz");
    assert_eq!(status, 200, "{words}");
    assert!(
        words.starts_with("ok\nqueue: no connection to the broker (")
            && words
                .ends_with("): messages are accepted all the same, and go out when it is back\n"),
        "{words}"
    );
    until("noticed", || get(&worker.admin, "/readyz").0 == 503).await;
    let (_, words) = get(&worker.admin, "/readyz");
    assert!(
        words.contains("nothing is handed to providers until it is back"),
        "{words}"
    );
    // One that starts now takes messages, too.
    let second = cluster.start("api");
    send_many(&second, 2, "main");
    assert_eq!(sandbox.totals().takings, 3);

    broker.restart();
    until("delivered", || how_many(&api, "delivered") == 15).await;
    assert_eq!(sandbox.totals().takings, 15);
    // The deadlines bring messages back, too, so all may be delivered before each is connected.
    for process in [&worker, &api] {
        until("connected", || {
            get(&process.admin, "/readyz") == (200, "ok\n".into())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_is_waited_for_at_the_start_and_missed_in_words_later() {
    let (broker, sandbox) = (broker::shared().await, sandbox().await);
    let mut redis = Redis::start();
    redis.kill();
    let cluster = Cluster::over(&redis.url(), &broker.url(), &provider("main", &sandbox, ""));
    let api = std::thread::scope(|scope| {
        let starting = scope.spawn(|| cluster.start("api"));
        let log = cluster.folder().join("log");
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        while !said().contains("waiting for the store") {
            std::thread::sleep(Duration::from_millis(20));
        }
        redis.run();
        starting.join().unwrap()
    });
    send_many(&api, 1, "main");
    assert_eq!(get(&api.admin, "/readyz").0, 200);

    redis.kill();
    let (status, words) = get(&api.admin, "/readyz");
    assert_eq!(status, 503, "{words}");
    assert!(words.starts_with("store: "), "{words}");
    let (_, metrics) = get(&api.admin, "/metrics");
    assert!(metrics.contains("\nsms_store_up 0\n"), "{metrics}");
    until("noticed", || {
        metric(
            &api,
            &format!("sms_redis_up{{server=\"127.0.0.1:{}\"}}", redis.port),
        ) == Some(0.0)
    })
    .await;
    let refused = api.run(&["send", "+79991234567", "Hi"]);
    assert_eq!(refused.status.code(), Some(1));
    redis.run();
    until("ready", || get(&api.admin, "/readyz").0 == 200).await;
    send_many(&api, 1, "main");
}

#[test]
fn a_process_that_waits_for_the_store_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("redis://127.0.0.1:{}", free_port());
    let mut child = sms(folder.path())
        .args(["serve", "--role", "delivery"])
        .envs([("SMS__STORE", store.as_str())])
        .envs(["DELIVERY", "ADMIN"].map(|it| (format!("SMS__{it}__LISTEN"), "127.0.0.1:0")))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = log.next().unwrap().unwrap();
    assert!(first.contains("waiting for the store"), "{first}");
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-s", "TERM", &pid]).status();
    assert!(sent.unwrap().success());
    assert!(child.wait().unwrap().success());
}

/// What keeps a process from starting is told in one line, with the key and the way out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_or_a_broker_that_cannot_be_used_is_told() {
    let broker = broker::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let redis = Redis::start_with(&[
        "--requirepass",
        "right",
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
    ]);
    let locked = redis.url();
    let open = locked.replace("redis://", "redis://:right@");
    let nobody = format!("redis://:hunter2@127.0.0.1:{}", free_port());
    let stranger = broker.url().replace("guest:guest", "guest:hunter2");
    for (store, queue, key, parts) in [
        (
            nobody.as_str(),
            broker.url(),
            "store",
            &[
                "redis://:***@127.0.0.1:",
                "was not there within 1s",
                "Connection refused",
                "start the server",
            ][..],
        ),
        (&locked, broker.url(), "store", &["check user and password"]),
        (
            &locked.replace("redis://", "redis://:hunter2@"),
            broker.url(),
            "store",
            &["check user and password"],
        ),
        (
            &locked.replace("redis://", "redis+cluster://:right@"),
            broker.url(),
            "store",
            &["is no cluster; write redis://"],
        ),
        (
            &open,
            stranger,
            "queue",
            &[
                "does not let us in",
                "check user, password and virtual host",
            ],
        ),
    ] {
        let output = sms(folder.path())
            .args(["serve", "--role", "api"])
            .envs([
                ("SMS__STORE", store),
                ("SMS__QUEUE", &queue),
                ("SMS__STARTUP__STORE_TIMEOUT", "1s"),
                ("SMS__GRPC__LISTEN", "127.0.0.1:0"),
                ("SMS__ADMIN__LISTEN", "127.0.0.1:0"),
                ("SMS__LOG__LEVEL", "error"),
            ])
            .output()
            .unwrap();
        let words = complaint(&output);
        assert_eq!(output.status.code(), Some(1), "{words}");
        let begins = format!(
            "error: environment variable SMS__{}: {key}: ",
            key.to_uppercase()
        );
        assert!(
            words.starts_with(&begins) && words.lines().count() == 1,
            "{words}"
        );
        for part in parts {
            assert!(words.contains(part), "{part:?} in {words:?}");
        }
        assert!(
            !words.contains("hunter2") && !words.contains("right@"),
            "{words}"
        );
    }
}
