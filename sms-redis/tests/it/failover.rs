//! A cluster that loses a master.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::cluster::Cluster;
use crate::load::Load;
use crate::server::{redis_cli, store_at};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_loses_nothing_that_replicas_confirmed() {
    let mut cluster = Cluster::start();
    let store = store_at(&format!("{}?wait_replicas=1", cluster.url())).await;
    let load = Load::start(&store, 20);
    load.progress(1_000).await;
    let victim = cluster.masters()[0];
    cluster.nodes[victim].kill();
    wait_for_three_masters(&cluster, victim).await;
    assert!(
        load.failures() > 0,
        "the master died in the middle of calls"
    );
    // Its replica has taken over, and is alone: it confirms nothing until the old master is back.
    cluster.nodes[victim].run();
    load.progress(1_000).await;
    assert!(
        !cluster.masters().contains(&victim),
        "the old master follows"
    );
    load.balance(&store).await;
}

/// Without waiting for replicas, what is under way goes on with the new master by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_orderly_failover_is_followed() {
    let cluster = Cluster::start();
    let store = store_at(&cluster.url()).await;
    let load = Load::start(&store, 21);
    load.progress(500).await;
    let masters = cluster.masters();
    let is_replica = |place: &usize| !masters.contains(place);
    let heir = (0..6).find(is_replica).unwrap();
    let said = cluster.nodes[heir].ask(&["cluster", "failover"]);
    assert_eq!(said.trim(), "OK");
    let end = Instant::now() + Duration::from_secs(20);
    while !cluster.masters().contains(&heir) {
        assert!(Instant::now() < end, "no failover");
        sleep(Duration::from_millis(50)).await;
    }
    load.progress(500).await;
    load.balance(&store).await;
}

/// Slots that move from one master to another take their messages along.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_that_move_are_followed() {
    let cluster = Cluster::start();
    let store = store_at(&cluster.url()).await;
    let load = Load::start(&store, 22);
    load.progress(500).await;
    // The second master has the slots from 5461 on, and 5649 is that of a shard.
    let nodes = cluster.nodes[0].ask(&["cluster", "nodes"]);
    let line = nodes.lines().find(|line| line.contains(" 5461-"));
    let from = line.unwrap().split(' ').next().unwrap().to_owned();
    let id = |place: usize| cluster.nodes[place].ask(&["cluster", "myid"]);
    let ids = cluster.masters().into_iter().map(id);
    let ids: Vec<String> = ids.map(|id| id.trim().to_owned()).collect();
    let to = ids.into_iter().find(|id| *id != from).unwrap();
    let first = format!("127.0.0.1:{}", cluster.nodes[0].port);
    let moved = tokio::task::spawn_blocking(move || {
        let reshard = ["--cluster", "reshard", &first, "--cluster-from", &from];
        let how = [
            "--cluster-to",
            &to,
            "--cluster-slots",
            "200",
            "--cluster-yes",
        ];
        redis_cli(&[&reshard[..], &how, &["--cluster-pipeline", "500"]].concat())
    });
    let said = moved.await.unwrap();
    assert!(said.contains("Moving slot 5649 "), "{said}");
    load.progress(500).await;
    load.balance(&store).await;
}

async fn wait_for_three_masters(cluster: &Cluster, dead: usize) {
    let end = Instant::now() + Duration::from_secs(30);
    let ask = if dead == 0 { 1 } else { 0 };
    loop {
        let masters = (0..6).filter(|place| *place != dead);
        let masters = masters.filter(|at| cluster.nodes[*at].ask(&["role"]).starts_with("master"));
        let info = cluster.nodes[ask].ask(&["cluster", "info"]);
        if masters.count() == 3 && info.contains("cluster_state:ok") {
            return;
        }
        assert!(Instant::now() < end, "no failover: {info}");
        sleep(Duration::from_millis(100)).await;
    }
}
