//! The programs, started and given messages in the same way.

use std::{net::SocketAddr, path::Path};

use anyhow::ensure;
use hyper::{Method, StatusCode};

use super::{Arguments, Bench};
use crate::{
    bare::control::SEND_PATH,
    http::Connection,
    load::{self, Sent, Volume},
    process::Process,
    system::{
        bare::Bare,
        roles::{self, Layout},
    },
    target::Caller,
};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Program {
    /// The program without a product around it, one process.
    Bare,
    /// `sms serve` with all roles in one process.
    Sms,
    /// `sms serve` with a process for each role.
    Roles,
}

impl Program {
    const ALL: [Self; 3] = [Self::Bare, Self::Sms, Self::Roles];

    /// All of them, each the first in another round: what a run leaves behind on the two servers
    /// falls on all alike.
    pub(super) fn in_turn(round: usize) -> [Self; 3] {
        let mut all = Self::ALL;
        let first = round.saturating_sub(1) % all.len();
        all.rotate_left(first);
        all
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Sms => "sms",
            Self::Roles => "sms in roles",
        }
    }
}

/// A program that runs.
#[derive(Debug)]
pub(super) enum Contender {
    /// Its callers are tasks of its own.
    Bare { program: Bare, orders: Connection },
    /// Its callers are in this process and call by gRPC.
    Sms {
        program: Program,
        roles: roles::Roles,
        callers: Vec<Caller>,
    },
}

impl Contender {
    pub(super) async fn start(
        program: Program,
        bench: &Bench,
        binary: Option<&Path>,
        run_name: &str,
        arguments: &Arguments,
    ) -> anyhow::Result<Self> {
        let (servers, base) = (bench.servers(), arguments.folder.as_ref());
        let Some(binary) = binary.filter(|_| program != Program::Bare) else {
            let program = Bare::start(servers, run_name, base).await?;
            let orders = Connection::new(program.address);
            return Ok(Self::Bare { program, orders });
        };
        let layout = match program {
            Program::Roles => Layout::Roles {
                workers: arguments.workers,
            },
            _ => Layout::Whole,
        };
        let roles = roles::start(binary, servers, run_name, layout, base).await?;
        let callers = roles.gateway.target.callers(&arguments.full()).await?;
        Ok(Self::Sms {
            program,
            roles,
            callers,
        })
    }

    pub(super) fn program(&self) -> Program {
        match self {
            Self::Bare { .. } => Program::Bare,
            Self::Sms { program, .. } => *program,
        }
    }

    /// Its processes.
    pub(super) fn processes(&self) -> &[Process] {
        match self {
            Self::Bare { program, .. } => std::slice::from_ref(&program.process),
            Self::Sms { roles, .. } => &roles.gateway.processes,
        }
    }

    /// Where reports are posted to, if it takes any.
    pub(super) fn delivery(&self) -> Option<SocketAddr> {
        match self {
            Self::Bare { .. } => None,
            Self::Sms { roles, .. } => Some(roles.delivery),
        }
    }

    /// Hands over messages from number 0 on; returns when all are accepted.
    pub(super) async fn send(&mut self, volume: &Volume) -> anyhow::Result<Sent> {
        match self {
            Self::Bare { orders, .. } => order(orders, volume).await,
            Self::Sms { callers, .. } => load::send(callers, volume, 0).await,
        }
    }
}

async fn order(orders: &mut Connection, volume: &Volume) -> anyhow::Result<Sent> {
    let body = serde_json::to_vec(volume)?;
    let (status, body) = orders.send(Method::POST, SEND_PATH, body.into()).await?;
    let said = || String::from_utf8_lossy(&body);
    ensure!(status == StatusCode::OK, "the bare program: {}", said());
    Ok(serde_json::from_slice(&body)?)
}
