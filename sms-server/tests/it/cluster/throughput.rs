//! What a provider allows is kept over all workers, and holds up nobody else.

use std::time::{Duration, Instant};

use sms_provider_http::sandbox::{Behaviour, Response, Sandbox};

use super::{Cluster, how_many, metric, provider, sandbox, send_many, until};
use crate::broker;

/// Looks at the provider until it has taken so many: when, and how many it had.
async fn takings(sandbox: &Sandbox, all: u64) -> Vec<(Instant, u64)> {
    let mut seen = Vec::new();
    loop {
        let taken = sandbox.totals().takings;
        seen.push((Instant::now(), taken));
        if taken >= all {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_together_keep_to_the_throughput_of_a_provider() {
    const MESSAGES: usize = 100;
    let (broker, sandbox) = (broker::shared().await, sandbox().await);
    // One at a time, so that no worker takes all the work.
    let config = provider("main", &sandbox, "throughput = \"20/s\"\nconcurrency = 1");
    let cluster = Cluster::new(&broker.url(), &config);
    let api = cluster.start("api");
    send_many(&api, MESSAGES, "main");
    let [one, two, _delivery] = ["worker", "worker", "delivery"].map(|role| cluster.start(role));
    let seen = takings(&sandbox, MESSAGES as u64).await;
    for (at, (from, before)) in seen.iter().enumerate() {
        for (to, after) in &seen[at..] {
            let allowed = 20.0 * (*to - *from).as_secs_f64();
            // Two submissions may be on their way when one looks, and one is free after a pause.
            let taken = (after - before) as f64;
            assert!(taken <= allowed + 3.0, "{taken} in {:?}", *to - *from);
        }
    }
    let took = seen[seen.len() - 1].0 - seen[0].0;
    assert!(
        took < Duration::from_secs(15),
        "100 messages at 20/s took {took:?}"
    );
    until("delivered", || how_many(&api, "delivered") == MESSAGES).await;
    let attempts = "sms_attempts_total{provider=\"main\",outcome=\"accepted\"}";
    for worker in [&one, &two] {
        assert!(metric(worker, attempts) > Some(0.0), "both work");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_throttles_or_is_slow_holds_up_no_other() {
    let broker = broker::shared().await;
    let [throttling, hanging, well] = [sandbox().await, sandbox().await, sandbox().await];
    throttling.set_behaviour(Some(Behaviour::refusing(Response::Code(88))));
    hanging.set_behaviour(Some(Behaviour::answering(Response::Never)));
    let config = [
        provider("throttling", &throttling, ""),
        provider("hanging", &hanging, "concurrency = 4"),
        provider("limited", &well, "throughput = \"1/min\""),
        provider("well", &well, ""),
    ];
    let cluster = Cluster::new(&broker.url(), &config.concat());
    let api = cluster.start("api");
    for name in ["throttling", "hanging", "limited"] {
        send_many(&api, 20, name);
    }
    let [_one, _two, _delivery] = ["worker", "worker", "delivery"].map(|role| cluster.start(role));
    until("the others are busy", || {
        throttling.totals().requests > 0 && hanging.totals().requests >= 4
    })
    .await;
    let begun = Instant::now();
    let ids = send_many(&api, 20, "well");
    let is_delivered = |id: &String| super::state(&api, id) == "delivered";
    until("delivered", || ids.iter().all(is_delivered)).await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert!(how_many(&api, "queued") > 0, "the others still wait");
}
