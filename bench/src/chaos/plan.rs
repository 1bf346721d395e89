//! What is broken, and in which order.

use std::{fmt, time::Duration};

use super::{
    config::LEASE,
    dice::Dice,
    place::{Link, Role},
};

/// Something that is broken and mended again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// kill -9 of one of our processes.
    Kill(Role, usize),
    /// SIGSTOP of one of our processes, and SIGCONT.
    Freeze(Role, usize),
    KillRedis,
    KillRabbitMq,
    /// Removes the queues from under producers and consumers.
    DeleteQueues,
    FlushScripts,
    /// Redis closes all its connections.
    CloseClients,
    /// Resets all connections.
    Cut(Link),
    /// Nothing gets through, and nobody is told.
    HoldStill(Link),
    Delay(Link),
}

/// A fault and for how long it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) fault: Fault,
    pub(super) lasts: Duration,
}

/// How much later everything comes over a link that is slow.
pub(super) const DELAY: Duration = Duration::from_millis(150);

/// One of each kind, for about so many milliseconds.
const KINDS: [(Fault, u64); 20] = [
    (Fault::Kill(Role::Api, 0), 300),
    (Fault::Kill(Role::Worker, 0), 300),
    (Fault::Kill(Role::Delivery, 0), 300),
    (
        Fault::Freeze(Role::Worker, 0),
        LEASE.as_millis() as u64 + 1_000,
    ),
    (Fault::Freeze(Role::Api, 0), 1_500),
    (Fault::Freeze(Role::Delivery, 0), 1_500),
    (Fault::KillRedis, 500),
    (Fault::KillRabbitMq, 1_500),
    (Fault::DeleteQueues, 0),
    (Fault::FlushScripts, 0),
    (Fault::CloseClients, 0),
    (Fault::Cut(Link::Redis), 0),
    (Fault::Cut(Link::RabbitMq), 0),
    (Fault::Cut(Link::Provider), 0),
    (Fault::Cut(Link::Delivery), 0),
    (Fault::HoldStill(Link::Redis), 3_500),
    (Fault::HoldStill(Link::RabbitMq), 2_000),
    (Fault::HoldStill(Link::Provider), 2_000),
    (Fault::Delay(Link::Redis), 1_000),
    (Fault::Delay(Link::Provider), 1_000),
];

/// The faults of one round, in an order that the seed draws. In the first round each lasts as
/// long as it must to show; later ones last up to four times as long.
pub(super) fn round(dice: Dice, round: u64) -> Vec<Step> {
    let mut steps: Vec<Step> = KINDS
        .iter()
        .enumerate()
        .map(|(at, (fault, millis))| {
            let nth = round * KINDS.len() as u64 + at as u64;
            let factor = match round {
                0 => 100,
                _ => 100 + dice.throw("lasts", nth, 300),
            };
            let which = usize::try_from(dice.throw("which", nth, 2)).unwrap_or_default();
            Step {
                fault: fault.of_number(which),
                lasts: Duration::from_millis(millis * factor / 100),
            }
        })
        .collect();
    dice.shuffle(&format!("round {round}"), &mut steps);
    steps
}

/// Between two faults.
const CALM: Duration = Duration::from_millis(100);
/// RabbitMQ 3.10 keeps the names of quorum queues in a file that it writes half a second after a
/// change. Killed before that it cannot start a queue that was deleted and declared again, and
/// then closes every connection that asks for it.
const CALM_AFTER_DELETION: Duration = Duration::from_secs(3);

impl Fault {
    /// How long nothing else is broken after it.
    pub(super) fn calm(self) -> Duration {
        match self {
            Self::DeleteQueues => CALM_AFTER_DELETION,
            _ => CALM,
        }
    }

    fn of_number(self, number: usize) -> Self {
        match self {
            Self::Kill(role, _) => Self::Kill(role, number),
            Self::Freeze(role, _) => Self::Freeze(role, number),
            other => other,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(role, at) => write!(f, "kill -9 {} {}", role.name(), at + 1),
            Self::Freeze(role, at) => write!(f, "SIGSTOP {} {}", role.name(), at + 1),
            Self::KillRedis => f.write_str("kill -9 redis"),
            Self::KillRabbitMq => f.write_str("kill -9 rabbitmq"),
            Self::DeleteQueues => f.write_str("delete the queues"),
            Self::FlushScripts => f.write_str("redis SCRIPT FLUSH"),
            Self::CloseClients => f.write_str("redis CLIENT KILL"),
            Self::Cut(link) => write!(f, "reset {link}"),
            Self::HoldStill(link) => write!(f, "no word from {link}"),
            Self::Delay(link) => write!(f, "{} ms later: {link}", DELAY.as_millis()),
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redis => "redis",
            Self::RabbitMq => "rabbitmq",
            Self::Provider => "provider",
            Self::Delivery => "delivery",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_plans_the_same_again() {
        assert_eq!(round(Dice::new(5), 0), round(Dice::new(5), 0));
        assert_ne!(round(Dice::new(5), 0), round(Dice::new(6), 0));
    }

    #[test]
    fn every_round_has_every_fault() {
        for number in 0..3 {
            let steps = round(Dice::new(5), number);
            let kinds = |fault: &Fault| std::mem::discriminant(fault);
            assert_eq!(steps.len(), KINDS.len());
            for (fault, _) in KINDS {
                assert!(steps.iter().any(|step| kinds(&step.fault) == kinds(&fault)));
            }
        }
    }

    #[test]
    fn a_worker_stands_still_for_longer_than_its_lease() {
        let steps = round(Dice::new(5), 0);
        let frozen = |step: &&Step| matches!(step.fault, Fault::Freeze(Role::Worker, _));
        assert!(steps.iter().find(frozen).unwrap().lasts > LEASE);
    }
}
