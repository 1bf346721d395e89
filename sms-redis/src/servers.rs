//! Sending commands to the servers that have their slots, many at once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use redis::{Cmd, ServerError, ServerErrorKind, Value};
use tokio::time::{Instant, sleep_until, timeout_at};

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
    waits_for_replicas: bool,
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
    /// Whether the servers need time.
    pause: bool,
    /// Whether the slots may have other masters now.
    moved: bool,
}

/// Requests on their way, and what is known of each until now.
#[derive(Debug)]
struct Call<'a> {
    kind: Kind,
    requests: &'a [Request],
    answers: Vec<Answer>,
    until: Instant,
}

/// What the server said to a request, or why nobody did.
pub(crate) type Answer = Result<Value, Failure>;

impl<'a> Call<'a> {
    fn new(kind: Kind, requests: &'a [Request], until: Instant) -> Self {
        Self {
            kind,
            requests,
            answers: vec![Ok(Value::Nil); requests.len()],
            until,
        }
    }

    /// All of these have failed, unless they are sent again.
    fn fail(&mut self, group: &[Open], failure: &Failure) {
        for one in group {
            self.answers[one.at] = Err(failure.clone());
        }
    }
}

impl Servers {
    pub(crate) async fn connect(options: &Options, dialer: Dialer) -> Result<Self, Failure> {
        let servers = Self {
            topology: Topology::start(options, Arc::new(dialer)).await?,
            name: options.place.to_string(),
            timeout: options.timeout,
            waits_for_replicas: options.wait_replicas > 0,
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

    /// Whether what is written counts only once replicas have it.
    pub(crate) fn waits_for_replicas(&self) -> bool {
        self.waits_for_replicas
    }

    /// Sends requests that read, or whose effect may be lost. All answers, or a failure.
    pub(crate) async fn read(&self, requests: Vec<Request>) -> Result<Vec<Value>, Failure> {
        self.read_each(&requests).await.into_iter().collect()
    }

    /// The same, each with its own answer.
    pub(crate) async fn read_each(&self, requests: &[Request]) -> Vec<Answer> {
        self.send(Kind::Plain, requests).await
    }

    /// Sends requests that write what must not be lost. All answers, or a failure.
    pub(crate) async fn write(&self, requests: Vec<Request>) -> Result<Vec<Value>, Failure> {
        self.write_each(&requests).await.into_iter().collect()
    }

    /// The same, each with its own answer: a server that is away does not keep the others from
    /// writing.
    pub(crate) async fn write_each(&self, requests: &[Request]) -> Vec<Answer> {
        self.send(Kind::Durable, requests).await
    }

    /// One answer for each request, in order. What was surely not done is sent again until the
    /// time is up; what may have been done is not.
    async fn send(&self, kind: Kind, requests: &[Request]) -> Vec<Answer> {
        let until = Instant::now() + self.timeout;
        let mut call = Call::new(kind, requests, until);
        let all = (0..requests.len()).map(|at| Open { at, ask: None });
        let mut open: Vec<Open> = all.collect();
        let mut is_repeated = false;
        while !open.is_empty() {
            let next = self.round(&mut call, open).await;
            open = next.open;
            if open.is_empty() {
                break;
            }
            if next.moved {
                // Whoever has no time left goes on with what is known.
                let _ = timeout_at(until, self.topology.refresh()).await;
            }
            let mut ready = Instant::now();
            if next.pause || is_repeated {
                ready += PAUSE.mul_f64(rand::random_range(0.5..1.0));
            }
            if ready >= until {
                break;
            }
            sleep_until(ready).await;
            is_repeated = true;
        }
        call.answers
    }

    /// Sends the open requests, those of one server together, to all servers at once.
    async fn round(&self, call: &mut Call<'_>, open: Vec<Open>) -> Next {
        let mut next = Next::default();
        let groups = self.by_node(call, open, &mut next);
        let sent: &Call<'_> = call;
        let exchanges = groups.into_iter().map(|(node, group)| async move {
            let exchange = self.exchange(&node, sent, &group).await;
            (node, group, exchange)
        });
        for (node, group, exchange) in join_all(exchanges).await {
            match exchange {
                Ok((current, values)) => {
                    self.take(
                        call,
                        &mut next,
                        (&node, &current),
                        group.into_iter().zip(values),
                    )
                    .await;
                }
                Err(failure) => {
                    call.fail(&group, &failure);
                    if matches!(failure, Failure::NotConnected { .. }) {
                        next.moved = true;
                        next.open.extend(group);
                    }
                }
            }
        }
        next
    }

    /// Takes what one server answered.
    async fn take(
        &self,
        call: &mut Call<'_>,
        next: &mut Next,
        (node, current): (&Node, &Current),
        answered: impl Iterator<Item = (Open, Value)>,
    ) {
        let mut needs_scripts = false;
        for (one, value) in answered {
            let at = one.at;
            let Value::ServerError(error) = value else {
                call.answers[at] = Ok(value);
                continue;
            };
            needs_scripts |= error.kind() == Some(ServerErrorKind::NoScript);
            call.answers[at] = Err(Failure::Refused(Refusal::from(&error)));
            if !self.refused(one, &error, next) {
                node.is_no_master(call.kind, current);
            }
        }
        if needs_scripts {
            // If this fails the connection is of no use, and the next one brings them along.
            let _ = node.load_scripts(call.kind, current, call.until).await;
        }
    }

    fn by_node(
        &self,
        call: &mut Call<'_>,
        open: Vec<Open>,
        next: &mut Next,
    ) -> Vec<(Arc<Node>, Vec<Open>)> {
        let mut groups: Vec<(Arc<Node>, Vec<Open>)> = Vec::new();
        for one in open {
            let Some(node) = self.node_for(&one, call.requests) else {
                next.moved = true;
                next.pause = true;
                call.fail(std::slice::from_ref(&one), &Failure::NoMaster);
                next.open.push(one);
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
        call: &Call<'_>,
        group: &[Open],
    ) -> Result<(Current, Vec<Value>), Failure> {
        let patience = if self.topology.may_move() {
            call.until.min(Instant::now() + PATIENCE)
        } else {
            call.until
        };
        let current = node.connected(call.kind, patience).await?;
        let order = |one: &Open| Order {
            cmd: &call.requests[one.at].cmd,
            asking: one.ask.is_some(),
        };
        let orders: Vec<Order<'_>> = group.iter().map(order).collect();
        let values = node.send(call.kind, &current, &orders, call.until);
        Ok((current.clone(), values.await?))
    }

    fn node_for(&self, open: &Open, requests: &[Request]) -> Option<Arc<Node>> {
        match &open.ask {
            Some(address) => Some(self.topology.node_at(address)),
            None => self.topology.node_of(requests[open.at].slot),
        }
    }

    /// What the server refused is sent again if it was surely not done, and may be done later or
    /// elsewhere. Says whether the server still serves as a master.
    fn refused(&self, mut open: Open, error: &ServerError, next: &mut Next) -> bool {
        use ServerErrorKind as Kind;
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
            _ => return serves,
        }
        next.open.push(open);
        serves
    }
}
