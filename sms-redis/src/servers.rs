//! Sending commands to the servers that have their slots, many at once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use redis::{Cmd, ServerError, ServerErrorKind, Value};
use tokio::time::{Instant, sleep_until};

use crate::Options;
use crate::dial::Dialer;
use crate::error::{Failure, Refusal};
use crate::health::{Health, ServerHealth};
use crate::link::Current;
use crate::node::{Kind, Node, Order};
use crate::topology::Topology;

/// In a cluster a connection is not waited for longer than this before it is asked who has the
/// slots now.
const PATIENCE: Duration = Duration::from_millis(250);

/// The pause before what a server refused for the moment is sent again: half to all of it.
const PAUSE: Duration = Duration::from_millis(50);

/// A command and where it belongs.
#[derive(Debug)]
pub(crate) struct Request {
    /// The slot of its keys.
    pub(crate) slot: u16,
    pub(crate) cmd: Cmd,
}

/// The servers of a store.
#[derive(Debug)]
pub(crate) struct Servers {
    topology: Topology,
    /// What the one server is called, if there is one.
    name: String,
    timeout: Duration,
}

/// A request that has no answer yet.
#[derive(Debug, Clone)]
struct Open {
    at: usize,
    /// The node that takes its slot over, and is to be asked this once.
    ask: Option<String>,
}

/// What to do before the open requests are sent again.
#[derive(Debug, Default)]
struct Next {
    open: Vec<Open>,
    /// Why the latest of them is still open.
    failure: Option<Failure>,
    /// Whether the servers need time.
    pause: bool,
    /// Whether the slots may have other masters now.
    moved: bool,
}

impl Next {
    fn again(&mut self, open: impl IntoIterator<Item = Open>, why: Failure) {
        self.open.extend(open);
        self.failure = Some(why);
    }
}

impl Servers {
    pub(crate) async fn connect(options: &Options, dialer: Dialer) -> Result<Self, Failure> {
        let servers = Self {
            topology: Topology::start(options, Arc::new(dialer)).await?,
            name: options.place.to_string(),
            timeout: options.timeout,
        };
        Ok(servers)
    }

    /// How the connections are; asks nobody.
    pub(crate) fn health(&self) -> Health {
        let server = |(address, node): (String, Arc<Node>)| {
            let (is_connected, connections) = node.condition();
            ServerHealth {
                address,
                is_connected,
                connections,
            }
        };
        let mut servers: Vec<_> = self
            .topology
            .nodes(&self.name)
            .into_iter()
            .map(server)
            .collect();
        servers.sort_by(|a, b| a.address.cmp(&b.address));
        Health { servers }
    }

    /// Whether one server does everything, in the order in which it is sent.
    pub(crate) fn is_one(&self) -> bool {
        !self.topology.may_move()
    }

    /// Sends requests that read, or whose effect may be lost.
    pub(crate) async fn read(&self, requests: Vec<Request>) -> Result<Vec<Value>, Failure> {
        self.send(Kind::Plain, requests).await
    }

    /// Sends requests that write what must not be lost.
    pub(crate) async fn write(&self, requests: Vec<Request>) -> Result<Vec<Value>, Failure> {
        self.send(Kind::Durable, requests).await
    }

    /// One answer for each request, in order. What was surely not done is sent again until the
    /// time is up; what may have been done is not.
    async fn send(&self, kind: Kind, requests: Vec<Request>) -> Result<Vec<Value>, Failure> {
        let until = Instant::now() + self.timeout;
        let mut answers = vec![Value::Nil; requests.len()];
        let mut open: Vec<Open> = (0..requests.len())
            .map(|at| Open { at, ask: None })
            .collect();
        let mut is_repeated = false;
        while !open.is_empty() {
            let next = self.round(kind, &requests, open, &mut answers, until);
            let next = next.await?;
            open = next.open;
            let Some(failure) = next.failure else {
                break;
            };
            if next.moved {
                self.topology.refresh().await;
            }
            let mut ready = Instant::now();
            if next.pause || is_repeated {
                ready += PAUSE.mul_f64(rand::random_range(0.5..1.0));
            }
            if ready >= until {
                return Err(failure);
            }
            sleep_until(ready).await;
            is_repeated = true;
        }
        Ok(answers)
    }

    /// Sends the open requests, those of one server together, to all servers at once.
    async fn round(
        &self,
        kind: Kind,
        requests: &[Request],
        open: Vec<Open>,
        answers: &mut [Value],
        until: Instant,
    ) -> Result<Next, Failure> {
        let mut next = Next::default();
        let groups = self.by_node(requests, open, &mut next);
        let exchanges = groups.into_iter().map(|(node, group)| async move {
            let exchange = self.exchange(&node, kind, requests, &group, until).await;
            (node, group, exchange)
        });
        for (node, group, exchange) in join_all(exchanges).await {
            let (current, values) = match exchange {
                Ok(exchange) => exchange,
                Err(failure @ Failure::NotConnected { .. }) => {
                    next.moved = true;
                    next.again(group, failure);
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            let mut needs_scripts = false;
            for (one, value) in group.into_iter().zip(values) {
                let Value::ServerError(error) = value else {
                    answers[one.at] = value;
                    continue;
                };
                needs_scripts |= error.kind() == Some(ServerErrorKind::NoScript);
                let serves = self.refused(one, &error, &mut next)?;
                if !serves {
                    node.replace(kind, &current);
                }
            }
            if needs_scripts {
                node.load_scripts(kind, &current, until).await?;
            }
        }
        Ok(next)
    }

    fn by_node(
        &self,
        requests: &[Request],
        open: Vec<Open>,
        next: &mut Next,
    ) -> Vec<(Arc<Node>, Vec<Open>)> {
        let mut groups: Vec<(Arc<Node>, Vec<Open>)> = Vec::new();
        for one in open {
            let Some(node) = self.node_for(&one, requests) else {
                next.moved = true;
                next.pause = true;
                next.again([one], Failure::NoMaster);
                continue;
            };
            let of_node = |(other, _): &&mut (Arc<Node>, _)| Arc::ptr_eq(other, &node);
            match groups.iter_mut().find(of_node) {
                Some((_, group)) => group.push(one),
                None => groups.push((node, vec![one])),
            }
        }
        groups
    }

    async fn exchange(
        &self,
        node: &Node,
        kind: Kind,
        requests: &[Request],
        group: &[Open],
        until: Instant,
    ) -> Result<(Current, Vec<Value>), Failure> {
        let patience = if self.topology.may_move() {
            until.min(Instant::now() + PATIENCE)
        } else {
            until
        };
        let current = node.connected(kind, patience).await?;
        let order = |one: &Open| Order {
            cmd: &requests[one.at].cmd,
            asking: one.ask.is_some(),
        };
        let orders: Vec<Order<'_>> = group.iter().map(order).collect();
        let values = node.send(kind, &current, &orders, until).await?;
        Ok((current, values))
    }

    fn node_for(&self, open: &Open, requests: &[Request]) -> Option<Arc<Node>> {
        match &open.ask {
            Some(address) => Some(self.topology.node_at(address)),
            None => self.topology.node_of(requests[open.at].slot),
        }
    }

    /// What the server refused may be sent again if it was surely not done, and may be done
    /// later or elsewhere. Says whether the server still serves as a master.
    fn refused(
        &self,
        mut open: Open,
        error: &ServerError,
        next: &mut Next,
    ) -> Result<bool, Failure> {
        use ServerErrorKind as Kind;
        let why = Failure::Refused(Refusal::from(error));
        let mut serves = true;
        open.ask = None;
        match error.kind() {
            // Every new connection brings the scripts along; these were flushed under our hands.
            Some(Kind::NoScript) => {}
            Some(Kind::Moved) if self.topology.may_move() => next.moved = true,
            Some(Kind::Ask) if self.topology.may_move() => {
                let address = error.details().and_then(|detail| detail.split(' ').nth(1));
                open.ask = address.map(str::to_owned);
            }
            Some(Kind::TryAgain | Kind::ClusterDown | Kind::MasterDown) => {
                next.moved = true;
                next.pause = true;
            }
            Some(Kind::ReadOnly | Kind::BusyLoading) => {
                next.moved = true;
                next.pause = true;
                serves = false;
            }
            _ => return Err(why),
        }
        next.again([open], why);
        Ok(serves)
    }
}
