//! A Redis Cluster of six local nodes: three masters, each with a replica.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::server::{DURABLE, Server, free_port, redis_cli};

#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Server>,
}

/// How long the nodes wait before they take a silent one for dead.
const NODE_TIMEOUT: &str = "2000";

impl Cluster {
    pub(crate) fn start() -> Self {
        let mut arguments = DURABLE.to_vec();
        arguments.extend(["--cluster-enabled", "yes"]);
        arguments.extend(["--cluster-node-timeout", NODE_TIMEOUT]);
        let nodes: Vec<Server> = (0..6)
            .map(|_| {
                let mut node = Server::prepare(free_port(), &arguments);
                node.run();
                node
            })
            .collect();
        let cluster = Self { nodes };
        let addresses: Vec<String> = cluster.nodes.iter().map(address).collect();
        let mut command = vec!["--cluster", "create"];
        command.extend(addresses.iter().map(String::as_str));
        command.extend(["--cluster-replicas", "1", "--cluster-yes"]);
        let said = redis_cli(&command);
        assert!(said.contains("All 16384 slots covered"), "{said}");
        cluster.wait_until_whole();
        cluster
    }

    /// Until every node knows all slots, and every replica follows its master.
    pub(crate) fn wait_until_whole(&self) {
        let end = Instant::now() + Duration::from_secs(60);
        let is_whole = |node: &Server| {
            let info = node.ask(&["cluster", "info"]);
            let role = node.ask(&["role"]);
            info.contains("cluster_state:ok")
                && info.contains("cluster_slots_ok:16384")
                && !role.starts_with("slave")
                || role.contains("connected")
        };
        while !self.nodes.iter().all(is_whole) {
            assert!(Instant::now() < end, "the cluster does not come together");
            sleep(Duration::from_millis(100));
        }
    }

    /// The places in `nodes` of the masters.
    pub(crate) fn masters(&self) -> Vec<usize> {
        let is_master = |node: &Server| node.ask(&["role"]).starts_with("master");
        let places = self.nodes.iter().enumerate();
        places
            .filter(|(_, node)| is_master(node))
            .map(|(at, _)| at)
            .collect()
    }

    pub(crate) fn url(&self) -> String {
        let seeds: Vec<String> = self.nodes.iter().map(address).collect();
        format!("redis+cluster://{}", seeds.join(","))
    }
}

fn address(node: &Server) -> String {
    format!("127.0.0.1:{}", node.port)
}
