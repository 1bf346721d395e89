//! What the parts of one queue share.

use std::sync::Arc;

use sms_core::SystemEntropy;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::Fault;
use crate::health::{Counters, Health, LinkState};
use crate::link::Link;
use crate::names::Names;
use crate::options::Options;
use crate::receipts::Receipts;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) names: Names,
    pub(crate) receipts: Receipts,
    pub(crate) counters: Counters,
    pub(crate) entropy: SystemEntropy,
    link: watch::Sender<State>,
}

/// Whether there is a connection.
#[derive(Debug, Clone)]
enum State {
    Up(Arc<Link>),
    Down { since: Instant, problem: String },
}

impl Shared {
    pub(crate) fn new(options: Options) -> Self {
        let down = State::Down {
            since: Instant::now(),
            problem: "not connected yet".to_owned(),
        };
        Self {
            names: Names::new(&options.prefix),
            options,
            receipts: Receipts::default(),
            counters: Counters::default(),
            entropy: SystemEntropy,
            link: watch::Sender::new(down),
        }
    }

    /// Lets everybody know what came of an attempt to connect.
    pub(crate) fn note(&self, opened: Result<Link, Fault>) -> Result<Arc<Link>, Fault> {
        match opened {
            Ok(link) => {
                let link = Arc::new(link);
                self.counters.connections.add(1);
                self.link.send_replace(State::Up(Arc::clone(&link)));
                Ok(link)
            }
            Err(fault) => {
                self.down(&fault);
                Err(fault)
            }
        }
    }

    pub(crate) fn down(&self, fault: &Fault) {
        self.link.send_modify(|state| {
            let since = match state {
                State::Up(_) => Instant::now(),
                State::Down { since, .. } => *since,
            };
            let problem = fault.to_string();
            *state = State::Down { since, problem };
        });
    }

    /// The connection, or since when there is none.
    pub(crate) fn link(&self) -> Result<Arc<Link>, Instant> {
        match &*self.link.borrow() {
            State::Up(link) => Ok(Arc::clone(link)),
            State::Down { since, .. } => Err(*since),
        }
    }

    /// Waits for a connection of a later generation than the one given.
    pub(crate) async fn link_after(&self, generation: u64) -> Arc<Link> {
        let mut states = self.link.subscribe();
        loop {
            if let State::Up(link) = &*states.borrow_and_update()
                && link.generation > generation
            {
                return Arc::clone(link);
            }
            if states.changed().await.is_err() {
                // The sender is ours: it lives as long as this call.
                std::future::pending::<()>().await;
            }
        }
    }

    pub(crate) fn health(&self) -> Health {
        let link = match &*self.link.borrow() {
            State::Up(link) => link
                .blocked()
                .map_or(LinkState::Up, |reason| LinkState::Blocked { reason }),
            State::Down { problem, .. } => LinkState::Down {
                problem: problem.clone(),
            },
        };
        Health {
            link,
            connections: self.counters.connections.get(),
            consumer_restarts: self.counters.consumer_restarts.get(),
            undecodable: self.counters.undecodable.get(),
            returned: self.counters.returned.get(),
        }
    }
}
