//! What a process does of the server's work.

use clap::ValueEnum;

/// A part of the server's work. A process has one, some or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Takes calls by gRPC
    Api,
    /// Hands messages to providers
    Worker,
    /// Takes delivery reports
    Delivery,
}

/// The parts that one process has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Roles {
    pub(crate) api: bool,
    pub(crate) worker: bool,
    pub(crate) delivery: bool,
}

impl Roles {
    /// Those that were asked for; all if none were.
    pub(crate) fn of(asked: &[Role]) -> Self {
        let has = |role| asked.is_empty() || asked.contains(&role);
        Self {
            api: has(Role::Api),
            worker: has(Role::Worker),
            delivery: has(Role::Delivery),
        }
    }

    /// Whether the process does everything itself.
    pub(crate) fn are_all(self) -> bool {
        self.api && self.worker && self.delivery
    }

    /// Whether all that the process is there for is to hand messages to providers.
    pub(crate) fn are_worker_only(self) -> bool {
        self.worker && !self.api && !self.delivery
    }

    /// Their names.
    pub(crate) fn names(self) -> Vec<&'static str> {
        let parts = [
            (self.api, "api"),
            (self.worker, "worker"),
            (self.delivery, "delivery"),
        ];
        let present = parts.into_iter().filter(|(present, _)| *present);
        present.map(|(_, name)| name).collect()
    }
}
