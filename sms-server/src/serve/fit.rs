//! Whether the store and the queue serve the roles of a process.

use super::plan::Plan;
use super::role::Roles;
use crate::config::{Loaded, Problem};

/// What the store and the queue of a process are.
#[derive(Debug, Clone, Copy)]
struct Shape {
    store_is_shared: bool,
    queue_is_shared: bool,
    roles: Roles,
}

/// Refuses what cannot work, and warns of what works, but not well.
pub(super) fn check(loaded: &Loaded, plan: &Plan, roles: Roles) -> Result<(), Problem> {
    let shape = Shape {
        store_is_shared: plan.store.is_shared(),
        queue_is_shared: plan.queue.is_shared(),
        roles,
    };
    if let Some((key, words)) = shape.refusal() {
        return Err(loaded.problem(key, words));
    }
    if let Some(words) = shape.warning() {
        tracing::warn!(
            store = plan.store.shown(),
            queue = plan.queue.shown(),
            "{words}"
        );
    }
    Ok(())
}

impl Shape {
    /// The key that is to blame, and why.
    fn refusal(self) -> Option<(&'static str, &'static str)> {
        if !self.store_is_shared && !self.roles.are_all() {
            return Some((
                "store",
                "serves one process only, which then needs all roles: leave --role away, or keep \
                 the messages in redis://HOST:6379/0, where all processes see them",
            ));
        }
        // The sweeps of other processes would find the messages, but only after a while.
        if !self.queue_is_shared && self.roles.api && !self.roles.worker {
            return Some((
                "queue",
                "tells workers of the same process only, and this process is none: add --role \
                 worker, or set queue = \"amqp://USER:PASSWORD@HOST:5672/VHOST\"",
            ));
        }
        None
    }

    fn warning(self) -> Option<&'static str> {
        if !self.queue_is_shared && self.roles.worker && !self.roles.api {
            return Some(
                "the queue is seen by this process only: what other processes accept, and do not \
                 send, is found here by its deadline, some seconds late",
            );
        }
        if self.queue_is_shared && !self.store_is_shared {
            return Some(
                "the store serves this process only, so a broker is of no use to it: the queue \
                 memory: is as safe, and faster",
            );
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::role::Role;
    use super::*;

    /// Whether the store and the queue are shared, the roles, and the key that is refused.
    #[test]
    fn roles_need_what_they_share() {
        use Role::{Api, Delivery, Worker};
        for (store_is_shared, queue_is_shared, roles, refused, warned) in [
            (false, false, &[][..], None, false),
            (false, true, &[], None, true),
            (false, false, &[Api, Worker], Some("store"), false),
            (false, true, &[Worker], Some("store"), false),
            (true, false, &[], None, false),
            (true, false, &[Api, Worker], None, false),
            (true, false, &[Api], Some("queue"), false),
            (true, false, &[Api, Delivery], Some("queue"), false),
            (true, false, &[Worker], None, true),
            (true, false, &[Delivery], None, false),
            (true, true, &[Api], None, false),
            (true, true, &[Worker], None, false),
            (true, true, &[Delivery], None, false),
        ] {
            let shape = Shape {
                store_is_shared,
                queue_is_shared,
                roles: Roles::of(roles),
            };
            assert_eq!(shape.refusal().map(|(key, _)| key), refused, "{shape:?}");
            if refused.is_none() {
                assert_eq!(shape.warning().is_some(), warned, "{shape:?}");
            }
        }
    }
}
