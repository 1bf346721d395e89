//! Hints that the broker gave up on, listed and replayed by command.

use std::collections::HashSet;

use sms_amqp::AmqpQueue;
use sms_core::{Hint, MessageId, Priority, Queue as _, SystemEntropy, Timestamp};

use crate::broker;
use crate::redis_server::fresh_prefix;
use crate::server::{complaint, free_port, sms};

/// A hint of so many messages that two consumers took and died of.
async fn give_up(url: &str, count: usize) -> HashSet<String> {
    let id = |_| MessageId::generate(Timestamp::from_millis(1), &SystemEntropy);
    let ids: Vec<MessageId> = (0..count).map(id).collect();
    let hint = Hint {
        route: "main".parse().unwrap(),
        priority: Priority::High,
        ids: ids.clone(),
    };
    let queue = AmqpQueue::connect(url, sms_amqp::Options::default());
    queue.await.unwrap().push(vec![hint]).await.unwrap();
    for _ in 0..2 {
        let queue = AmqpQueue::connect(url, sms_amqp::Options::default())
            .await
            .unwrap();
        queue.lease(&"main".parse().unwrap(), 1).await.unwrap();
        queue.close().await;
    }
    ids.iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_listed_and_put_back() {
    let broker = broker::shared().await;
    let prefix = format!("dead-{}-{}", std::process::id(), fresh_prefix());
    let url = format!("{}?prefix={prefix}&delivery_limit=1", broker.url());
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = sms(folder.path())
            .env("SMS__QUEUE", &url)
            .args(arguments)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            complaint(&output)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(run(&["dead-letters", "list"]), "no dead letters\n");
    assert_eq!(run(&["dead-letters", "replay"]), "no dead letters\n");
    assert_eq!(run(&["--json", "dead-letters", "list"]), "");
    let ids = give_up(&url, 3).await;

    let mut listed = String::new();
    super::until("dead", || {
        listed = run(&["--json", "dead-letters", "list"]);
        !listed.is_empty()
    })
    .await;
    let letter: serde_json::Value = serde_json::from_str(listed.trim()).unwrap();
    assert_eq!(letter["provider"], "main");
    assert_eq!(letter["priority"], "high");
    assert_eq!(letter["reason"], "delivery_limit");
    assert!(letter["died_at"].as_str().unwrap().ends_with('Z'));
    let shown = letter["ids"].as_array().unwrap().iter();
    let shown: HashSet<String> = shown.map(|id| id.as_str().unwrap().to_owned()).collect();
    assert_eq!(shown, ids);
    let table = run(&["dead-letters", "list"]);
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert!(lines[0].starts_with("DIED "), "{table}");
    for part in [
        " UTC  main        high      delivered too often ",
        " and 2 more",
    ] {
        assert!(lines[1].contains(part), "{part:?} in {table}");
    }

    let replayed = run(&["--json", "dead-letters", "replay"]);
    assert_eq!(replayed, "{\"hints\":1,\"left\":0,\"messages\":3}\n");
    assert_eq!(run(&["dead-letters", "list"]), "no dead letters\n");
    let queue = AmqpQueue::connect(&url, sms_amqp::Options::default());
    let tasks = queue
        .await
        .unwrap()
        .lease(&"main".parse().unwrap(), 3)
        .await
        .unwrap();
    let back = tasks
        .iter()
        .flat_map(|task| &task.ids)
        .map(ToString::to_string);
    assert_eq!(back.collect::<HashSet<_>>(), ids);
}

#[test]
fn a_queue_without_dead_letters_and_a_broker_that_is_not_there_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = format!("amqp://me:hunter2@127.0.0.1:{}", free_port());
    for (queue, expected) in [
        (
            "memory:",
            "queue: memory: keeps no dead letters: only a broker, as in amqp://HOST, does",
        ),
        (&nobody, "is the broker running?"),
        (
            "amqp://h?x=1",
            "queue: the address of the broker has the unknown parameter \"x\"",
        ),
    ] {
        for command in ["list", "replay"] {
            let output = sms(folder.path())
                .env("SMS__QUEUE", queue)
                .args(["dead-letters", command])
                .output()
                .unwrap();
            let words = complaint(&output);
            assert_eq!(output.status.code(), Some(1), "{words}");
            assert!(
                words.starts_with("error: environment variable SMS__QUEUE: queue: "),
                "{words}"
            );
            assert!(
                words.contains(expected) && words.lines().count() == 1,
                "{words}"
            );
            assert!(!words.contains("hunter2"), "{words}");
        }
    }
}
