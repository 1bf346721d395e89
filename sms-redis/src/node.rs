//! One server.

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Pipeline, Value};
use tokio::time::Instant;

use crate::Options;
use crate::dial::{Dialer, Target, load_scripts};
use crate::error::{Failure, Refusal};
use crate::link::{Current, Link};

/// What must be true before an answer counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing: it reads, or may be lost.
    Plain,
    /// Replicas have it, if the options ask for that.
    Durable,
}

/// The connections to one server. Waiting for replicas holds a connection up, so what does not
/// wait has one of its own.
#[derive(Debug)]
pub(crate) struct Node {
    plain: Link,
    durable: Link,
    replicas: Replicas,
}

/// How many replicas must confirm a write, and how long they are waited for.
#[derive(Debug, Clone, Copy)]
struct Replicas {
    wanted: u32,
    timeout: Duration,
}

/// A command, and whether the node is to do it although the slot is not its own yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order<'a> {
    pub(crate) cmd: &'a Cmd,
    pub(crate) asking: bool,
}

impl Node {
    pub(crate) fn start(dialer: &Arc<Dialer>, target: &Target, options: &Options) -> Self {
        let timeout = options.timeout;
        let link = || Link::start(Arc::clone(dialer), target.clone(), timeout);
        Self {
            plain: link(),
            durable: link(),
            replicas: Replicas {
                wanted: options.wait_replicas,
                // Less than the whole, so that their silence is told from the server's.
                timeout: timeout.mul_f64(0.75),
            },
        }
    }

    /// Whether both connections are there, and how many there were since the start.
    pub(crate) fn condition(&self) -> (bool, u64) {
        let (plain, durable) = (self.plain.condition(), self.durable.condition());
        (plain.0 && durable.0, plain.1 + durable.1)
    }

    /// The connection, as soon as there is one.
    pub(crate) async fn connected(&self, kind: Kind, until: Instant) -> Result<Current, Failure> {
        self.link(kind).connected(until).await
    }

    /// Has both connections made anew: a server that does not serve as a master is of no use to
    /// either, whichever of them was told.
    pub(crate) fn is_no_master(&self, kind: Kind, over: &Current) {
        if self.link(kind).replace(over) {
            self.plain.replace_any();
            self.durable.replace_any();
        }
    }

    /// Sends commands together; one answer for each, which may be an error.
    pub(crate) async fn send(
        &self,
        kind: Kind,
        over: &Current,
        orders: &[Order<'_>],
        until: Instant,
    ) -> Result<Vec<Value>, Failure> {
        let mut pipe = Pipeline::with_capacity(orders.len() + 1);
        for order in orders {
            if order.asking {
                pipe.cmd("ASKING");
            }
            pipe.add_command(order.cmd.clone());
        }
        let waits = kind == Kind::Durable && self.replicas.wanted > 0;
        if waits {
            let most = u64::try_from(self.replicas.timeout.as_millis()).unwrap_or(u64::MAX);
            pipe.cmd("WAIT").arg(self.replicas.wanted).arg(most);
        }
        let mut values = self.link(kind).send(over, &pipe, until).await?;
        if waits {
            self.replicas.check(values.pop())?;
        }
        let mut values = values.into_iter();
        let answers = orders.iter().map(|order| {
            if order.asking {
                values.next();
            }
            values.next().ok_or(Failure::Answer("a command"))
        });
        answers.collect()
    }

    pub(crate) async fn load_scripts(
        &self,
        kind: Kind,
        over: &Current,
        until: Instant,
    ) -> Result<(), Failure> {
        let mut pipe = Pipeline::new();
        load_scripts(&mut pipe);
        self.link(kind).send(over, &pipe, until).await?;
        Ok(())
    }

    fn link(&self, kind: Kind) -> &Link {
        match kind {
            Kind::Plain => &self.plain,
            Kind::Durable => &self.durable,
        }
    }
}

impl Replicas {
    fn check(self, answer: Option<Value>) -> Result<(), Failure> {
        let wanted = self.wanted;
        match answer {
            Some(Value::Int(confirmed)) if confirmed >= wanted.into() => Ok(()),
            Some(Value::Int(confirmed)) => Err(Failure::NotReplicated { confirmed, wanted }),
            Some(Value::ServerError(error)) => Err(Failure::Refused(Refusal::from(&error))),
            _ => Err(Failure::Answer("WAIT")),
        }
    }
}
