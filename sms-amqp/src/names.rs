//! What the queues are called.

use sms_core::{Priority, ProviderName};

/// The names of the queues of one installation.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    prefix: String,
}

impl Names {
    pub(crate) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
        }
    }

    /// The queue of a route and priority: `sms.out.main.otp`.
    pub(crate) fn work(&self, route: &ProviderName, priority: Priority) -> String {
        format!("{}.out.{route}.{}", self.prefix, priority.as_str())
    }

    /// The queue of the dead letters: `sms.dead`.
    pub(crate) fn dead(&self) -> String {
        format!("{}.dead", self.prefix)
    }

    /// Which route and priority a queue is for.
    pub(crate) fn parse_work(&self, queue: &str) -> Option<(ProviderName, Priority)> {
        let rest = queue.strip_prefix(&self.prefix)?.strip_prefix(".out.")?;
        // The name of a route may have points in it; that of a priority has none.
        let (route, priority) = rest.rsplit_once('.')?;
        let priority = Priority::ALL
            .into_iter()
            .find(|known| known.as_str() == priority)?;
        Some((route.parse().ok()?, priority))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Releases that share a broker find each other by these names.
    #[test]
    fn names_are_what_they_always_were() {
        let names = Names::new("sms");
        let route: ProviderName = "main.backup".parse().unwrap();
        assert_eq!(names.work(&route, Priority::Otp), "sms.out.main.backup.otp");
        assert_eq!(names.dead(), "sms.dead");
    }

    #[test]
    fn a_name_leads_back_to_route_and_priority() {
        let names = Names::new("a.out.b");
        for route in ["main", "main.backup", "bulk", "x.otp", "-_."] {
            let route: ProviderName = route.parse().unwrap();
            for priority in Priority::ALL {
                let queue = names.work(&route, priority);
                assert_eq!(names.parse_work(&queue), Some((route.clone(), priority)));
            }
        }
        for other in [
            "sms.out.main.otp",
            "a.out.b.dead",
            "a.out.b.out.main.soon",
            "",
        ] {
            assert_eq!(names.parse_work(other), None, "{other}");
        }
    }
}
