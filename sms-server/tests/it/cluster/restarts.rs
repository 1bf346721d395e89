//! A new release comes: process after process is stopped and started.

use super::{Cluster, provider, sandbox};
use crate::account::{assert_balanced, count, settled};
use crate::broker;
use crate::load::Load;
use crate::server::{Server, free_port};

/// Stops a process as its supervisor does, and starts the next one in its place.
fn replace(cluster: &Cluster, process: &mut Option<Server>, role: &str, port: u16) {
    let old = process.take().unwrap();
    old.signal("TERM");
    let status = old.ended();
    assert!(status.success(), "{role}: {status}");
    *process = Some(cluster.start_at(role, port));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_under_load_loses_nothing_and_fails_no_call_that_retries_once() {
    let (broker, sandbox) = (broker::shared().await, sandbox().await);
    let cluster = Cluster::new(&broker.url(), &provider("main", &sandbox, ""));
    let ports = [free_port(), free_port()];
    let mut apis = ports.map(|port| Some(cluster.start_at("api", port)));
    let mut workers = [(); 2].map(|()| Some(cluster.start("worker")));
    let mut delivery = Some(cluster.start("delivery"));
    let load = Load::start_at(
        &apis
            .each_ref()
            .map(|api| api.as_ref().unwrap().grpc.clone()),
    );
    for _ in 0..2 {
        for (api, port) in apis.iter_mut().zip(ports) {
            load.goes_on(50).await;
            replace(&cluster, api, "api", port);
        }
        for worker in &mut workers {
            load.goes_on(50).await;
            replace(&cluster, worker, "worker", 0);
        }
        load.goes_on(50).await;
        replace(&cluster, &mut delivery, "delivery", 0);
    }
    load.goes_on(50).await;
    assert_eq!(
        load.failed(),
        Vec::<String>::new(),
        "calls that failed twice"
    );
    let accepted = load.stop().await;
    let api = apis[0].as_ref().unwrap();
    let messages = settled(api);
    assert_balanced(api, &accepted, &messages, &sandbox);
    assert_eq!(count(&messages, "delivered"), messages.len());
    let unsettled = messages.iter().filter(|message| {
        let timeline = message["timeline"].as_array().unwrap();
        timeline
            .iter()
            .any(|change| change["state"] == "unconfirmed")
    });
    assert_eq!(unsettled.count(), 0, "every answer was waited for");
}
