//! The connections of a process to what it shares with others.

use std::sync::Arc;

use sms_amqp::{AmqpQueue, LinkState};
use sms_redis::RedisStore;

use crate::serve::Roles;

/// The connections of a process, where its store and its queue have any.
#[derive(Debug, Clone, Default)]
pub(crate) struct Links {
    pub(crate) redis: Option<RedisStore>,
    pub(crate) broker: Option<Arc<AmqpQueue>>,
}

/// What a broker that is not well means for a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It does its work all the same.
    Bearable(String),
    /// It cannot do what it is there for.
    Grave(String),
}

impl Links {
    /// What is wrong with the broker, for a process with these roles.
    pub(super) fn trouble(&self, roles: Roles) -> Option<Trouble> {
        let broker = self.broker.as_ref()?;
        trouble(broker.health().link, roles)
    }
}

fn trouble(link: LinkState, roles: Roles) -> Option<Trouble> {
    let (words, is_down) = match link {
        LinkState::Up => return None,
        LinkState::Blocked { reason } => (format!("the broker takes no hints ({reason})"), false),
        LinkState::Down { problem } => (format!("no connection to the broker ({problem})"), true),
        // A state that a later release may know.
        other => (format!("the broker is not well ({other:?})"), false),
    };
    if is_down && roles.are_worker_only() {
        let meaning = "nothing is handed to providers until it is back";
        return Some(Trouble::Grave(format!("queue: {words}: {meaning}")));
    }
    let meaning = match roles.api {
        true => "messages are accepted all the same, and go out when it is back",
        false => "what waits goes out when it is back",
    };
    Some(Trouble::Bearable(format!("queue: {words}: {meaning}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::Role;

    fn down() -> LinkState {
        LinkState::Down {
            problem: "refused".into(),
        }
    }

    #[test]
    fn only_a_mere_worker_is_of_no_use_without_the_broker() {
        use Role::{Api, Delivery, Worker};
        for (roles, grave) in [
            (&[][..], false),
            (&[Api], false),
            (&[Delivery], false),
            (&[Worker], true),
            (&[Worker, Delivery], false),
        ] {
            let trouble = trouble(down(), Roles::of(roles)).unwrap();
            assert_eq!(matches!(trouble, Trouble::Grave(_)), grave, "{roles:?}");
            let (Trouble::Grave(words) | Trouble::Bearable(words)) = trouble;
            assert!(
                words.starts_with("queue: no connection to the broker (refused): "),
                "{words}"
            );
        }
        let blocked = LinkState::Blocked {
            reason: "low on memory".into(),
        };
        let worker = Roles::of(&[Worker]);
        assert!(matches!(
            trouble(blocked, worker),
            Some(Trouble::Bearable(_))
        ));
        assert_eq!(trouble(LinkState::Up, worker), None);
    }
}
