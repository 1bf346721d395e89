//! Which server has which slot.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use redis::{Pipeline, Value};
use tokio::time::{Instant, sleep};

use crate::dial::{Dialer, join};
use crate::error::{Failure, Refusal};
use crate::node::Node;
use crate::{Options, Place, value};

/// The cluster is asked for its slots no more often than this …
const REFRESH_INTERVAL: Duration = Duration::from_millis(100);

/// … and while nobody answers after twice the time each, up to this.
const LONGEST_INTERVAL: Duration = Duration::from_secs(2);

/// So many nodes are asked for the slots at a time, and so many more after this time, or sooner if
/// none is left that may answer.
const ASKED_AT_ONCE: usize = 3;
const ASK_MORE_AFTER: Duration = Duration::from_millis(250);

/// The servers and their slots.
#[derive(Debug)]
pub(crate) enum Topology {
    /// One server has all of them.
    Single(Arc<Node>),
    /// A cluster.
    Cluster(Box<Cluster>),
}

#[derive(Debug)]
pub(crate) struct Cluster {
    dialer: Arc<Dialer>,
    options: Options,
    seeds: Vec<String>,
    map: Mutex<Map>,
    /// Held while the slots are asked for.
    refreshed: tokio::sync::Mutex<Refreshed>,
}

/// When the slots were asked for last.
#[derive(Debug)]
struct Refreshed {
    at: Option<Instant>,
    /// How long nobody asks again.
    pause: Duration,
}

impl Refreshed {
    fn new() -> Self {
        Self {
            at: None,
            pause: REFRESH_INTERVAL,
        }
    }

    /// Whether somebody has asked so lately that another answer can hardly be expected.
    fn is_fresh(&self, now: Instant) -> bool {
        self.at.is_some_and(|at| at + self.pause > now)
    }

    fn note(&mut self, is_answered: bool) {
        self.at = Some(Instant::now());
        self.pause = match is_answered {
            true => REFRESH_INTERVAL,
            false => (self.pause * 2).min(LONGEST_INTERVAL),
        };
    }
}

#[derive(Debug, Default)]
struct Map {
    ranges: Vec<Range>,
    nodes: HashMap<String, Arc<Node>>,
}

/// Slots in a row that have one master.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range {
    first: u16,
    last: u16,
    /// Its address.
    pub(crate) master: String,
    /// The addresses of its replicas.
    pub(crate) replicas: Vec<String>,
}

impl Topology {
    pub(crate) async fn start(options: &Options, dialer: Arc<Dialer>) -> Result<Self, Failure> {
        if let Some(target) = options.place.target() {
            let node = Node::start(&dialer, &target, options);
            return Ok(Self::Single(Arc::new(node)));
        }
        let seeds = match &options.place {
            Place::Cluster { seeds } => seeds.clone(),
            _ => Vec::new(),
        };
        let ranges = slots(&dialer, seeds.clone()).await?;
        let cluster = Cluster {
            dialer,
            options: options.clone(),
            seeds,
            map: Mutex::default(),
            refreshed: tokio::sync::Mutex::new(Refreshed::new()),
        };
        cluster.take(ranges);
        Ok(Self::Cluster(Box::new(cluster)))
    }

    /// The masters that we are, or want to be, connected to.
    pub(crate) fn nodes(&self, single: &str) -> Vec<(String, Arc<Node>)> {
        match self {
            Self::Single(node) => vec![(single.to_owned(), Arc::clone(node))],
            Self::Cluster(cluster) => {
                let map = cluster.map();
                let node =
                    |(address, node): (&String, &Arc<Node>)| (address.clone(), Arc::clone(node));
                map.nodes.iter().map(node).collect()
            }
        }
    }

    /// Whether slots may get another master.
    pub(crate) fn may_move(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// The master of a slot, as far as we know.
    pub(crate) fn node_of(&self, slot: u16) -> Option<Arc<Node>> {
        match self {
            Self::Single(node) => Some(Arc::clone(node)),
            Self::Cluster(cluster) => cluster.node_of(slot),
        }
    }

    /// The node at an address.
    pub(crate) fn node_at(&self, address: &str) -> Arc<Node> {
        match self {
            Self::Single(node) => Arc::clone(node),
            Self::Cluster(cluster) => cluster.node_at(&mut cluster.map(), address),
        }
    }

    /// Asks the cluster who has the slots now. If nobody answers, all stays as it was.
    pub(crate) async fn refresh(&self) {
        if let Self::Cluster(cluster) = self {
            cluster.refresh().await;
        }
    }
}

impl Cluster {
    fn map(&self) -> MutexGuard<'_, Map> {
        // Every change is made by calls that do not panic half-way.
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn node_of(&self, slot: u16) -> Option<Arc<Node>> {
        let mut map = self.map();
        let after = map.ranges.partition_point(|range| range.last < slot);
        let range = map.ranges.get(after).filter(|range| range.first <= slot)?;
        let master = range.master.clone();
        Some(self.node_at(&mut map, &master))
    }

    fn node_at(&self, map: &mut Map, address: &str) -> Arc<Node> {
        if let Some(node) = map.nodes.get(address) {
            return Arc::clone(node);
        }
        let target = crate::dial::Target::Address(address.to_owned());
        let node = Arc::new(Node::start(&self.dialer, &target, &self.options));
        map.nodes.insert(address.to_owned(), Arc::clone(&node));
        node
    }

    async fn refresh(&self) {
        let asked = Instant::now();
        let mut refreshed = self.refreshed.lock().await;
        // Somebody else did while we waited, or just before.
        if refreshed.is_fresh(asked) {
            return;
        }
        // Whoever has no time to wait for the answers has asked, too.
        refreshed.note(false);
        let answer = slots(&self.dialer, self.candidates()).await;
        refreshed.note(answer.is_ok());
        match answer {
            Ok(ranges) => self.take(ranges),
            Err(failure) => tracing::debug!(%failure, "the Redis Cluster does not tell its slots"),
        }
    }

    /// Who may know the slots.
    fn candidates(&self) -> Vec<String> {
        let mut candidates = self.seeds.clone();
        for range in &self.map().ranges {
            candidates.push(range.master.clone());
            candidates.extend(range.replicas.iter().cloned());
        }
        candidates.sort();
        candidates.dedup();
        candidates
    }

    /// Connections to nodes that are no longer masters end.
    fn take(&self, mut ranges: Vec<Range>) {
        ranges.sort_by_key(|range| range.first);
        let mut map = self.map();
        if map.ranges != ranges {
            tracing::info!(
                ranges = ranges.len(),
                "the slots of the Redis Cluster are known"
            );
        }
        map.nodes
            .retain(|address, _| ranges.iter().any(|range| range.master == *address));
        map.ranges = ranges;
    }
}

/// Asks nodes for the slots of their cluster, a few at first, then more; the first answer counts.
/// Another few come first each time, so that no node is asked by everybody.
pub(crate) async fn slots(
    dialer: &Dialer,
    mut candidates: Vec<String>,
) -> Result<Vec<Range>, Failure> {
    let count = candidates.len();
    candidates.rotate_left(rand::random_range(0..=count));
    let mut waiting = candidates.iter();
    let mut asked = FuturesUnordered::new();
    let mut last = Failure::NoMaster;
    loop {
        let more = waiting.by_ref().take(ASKED_AT_ONCE);
        asked.extend(more.map(|address| slots_by(dialer, address)));
        let mut patience = pin!(sleep(ASK_MORE_AFTER));
        loop {
            let answer = tokio::select! {
                answer = asked.next() => answer,
                () = &mut patience, if waiting.len() > 0 => break,
            };
            match answer {
                Some(Ok(ranges)) => return Ok(ranges),
                Some(Err(failure)) => last = failure,
                None if waiting.len() == 0 => return Err(last),
                None => break,
            }
        }
    }
}

async fn slots_by(dialer: &Dialer, address: &str) -> Result<Vec<Range>, Failure> {
    let mut pipe = Pipeline::new();
    pipe.cmd("CLUSTER").arg("SLOTS");
    let mut answers = dialer.ask(address, &pipe).await?;
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    match answers.pop() {
        Some(Value::ServerError(error)) => Err(Failure::Refused(Refusal::from(&error))),
        Some(Value::Array(ranges)) if !ranges.is_empty() => ranges
            .into_iter()
            .map(|range| range_of(range, host).ok_or(Failure::Answer("CLUSTER SLOTS")))
            .collect(),
        // A node that has met no other yet.
        _ => Err(Failure::NoMaster),
    }
}

/// First slot, last slot, master, replicas; each node is host, port and more.
fn range_of(range: Value, asked: &str) -> Option<Range> {
    let mut parts = value::array(range, "").ok()?.into_iter();
    let mut slot = || value::int(parts.next()?, "").ok()?.try_into().ok();
    let (first, last) = (slot()?, slot()?);
    let mut nodes = parts.map(|node| address_of(node, asked));
    Some(Range {
        first,
        last,
        master: nodes.next()??,
        replicas: nodes.flatten().collect(),
    })
}

/// A node that does not know its own name is where it was asked.
fn address_of(node: Value, asked: &str) -> Option<String> {
    let mut parts = value::array(node, "").ok()?.into_iter();
    let host = parts.next()?;
    let port = value::int(parts.next()?, "").ok()?.to_string();
    let host = match host {
        Value::Nil => String::new(),
        host => value::text(host, "").ok()?,
    };
    let host = match host.as_str() {
        "" | "?" => asked,
        host => host,
    };
    Some(join(host, &port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(host: &str, port: i64) -> Value {
        let id = Value::BulkString(b"id".to_vec());
        Value::Array(vec![
            Value::BulkString(host.as_bytes().to_vec()),
            Value::Int(port),
            id,
            Value::Array(Vec::new()),
        ])
    }

    #[tokio::test(start_paused = true)]
    async fn a_cluster_that_does_not_answer_is_asked_less_and_less_often() {
        let mut refreshed = Refreshed::new();
        assert!(!refreshed.is_fresh(Instant::now()));
        for pause in [200, 400, 800, 1_600, 2_000, 2_000] {
            refreshed.note(false);
            let now = Instant::now();
            assert!(
                refreshed.is_fresh(now + Duration::from_millis(pause - 1)),
                "{pause}"
            );
            assert!(
                !refreshed.is_fresh(now + Duration::from_millis(pause)),
                "{pause}"
            );
        }
        refreshed.note(true);
        assert!(!refreshed.is_fresh(Instant::now() + REFRESH_INTERVAL));
    }

    #[tokio::test]
    async fn some_nodes_are_asked_at_first_and_the_others_if_these_say_nothing() {
        let options: Options = "redis+cluster://unused".parse().unwrap();
        let dialer = Dialer::new(&options).unwrap();
        let (asked, mut asked_now) = tokio::sync::mpsc::unbounded_channel();
        let mut candidates = Vec::new();
        for _ in 0..8 {
            let node = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            candidates.push(node.local_addr().unwrap().to_string());
            let asked = asked.clone();
            // It takes the connection and says nothing.
            tokio::spawn(async move {
                let taken = node.accept().await;
                asked.send(Instant::now()).unwrap();
                std::future::pending::<()>().await;
                drop(taken);
            });
        }
        let begin = Instant::now();
        let asking = tokio::spawn(async move { slots(&dialer, candidates).await });
        let mut times = Vec::new();
        for _ in 0..8 {
            times.push(asked_now.recv().await.unwrap() - begin);
        }
        asking.abort();
        assert!(
            times[3] >= ASK_MORE_AFTER,
            "more than three at once: {times:?}"
        );
        assert!(times[6] >= ASK_MORE_AFTER * 2, "{times:?}");
    }

    #[test]
    fn a_range_of_slots_is_read() {
        let range = |nodes: Vec<Value>| {
            let mut parts = vec![Value::Int(5), Value::Int(9)];
            parts.extend(nodes);
            range_of(Value::Array(parts), "asked")
        };
        let expected = Range {
            first: 5,
            last: 9,
            master: "10.0.0.1:7000".to_owned(),
            replicas: vec!["asked:7001".to_owned(), "[::1]:7002".to_owned()],
        };
        let nodes = vec![node("10.0.0.1", 7000), node("", 7001), node("::1", 7002)];
        assert_eq!(range(nodes), Some(expected));
        assert_eq!(range(Vec::new()), None);
    }
}
