//! How the queue is used.

use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use sms_core::duration::parse_duration;

use crate::ConnectError;

/// How the queue is used. Every process that shares a broker should use the same `prefix` and
/// `delivery_limit`. An address may set most of them, as in `amqp://broker?prefix=shop`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// What the names of all queues begin with: `sms`. Installations with different prefixes can
    /// share a virtual host.
    pub prefix: String,
    /// How many hints of one route and priority this process holds at most without having
    /// acknowledged them: 8, so about 500 messages when the system is busy. Brokers take back
    /// what is held for half an hour, and close the channel.
    pub prefetch: NonZeroU16,
    /// A hint that no worker takes for this time, because its route is closed or slow, is let go,
    /// and the deadlines of its messages bring them back: 10 min, well below the 30 min after
    /// which brokers close the channel (`consumer_timeout`).
    pub hold: Duration,
    /// After so many deliveries without acknowledgement a hint goes to the dead letters: 20, the
    /// broker's own default from 4.0 on.
    pub delivery_limit: NonZeroU32,
    /// A call that the broker has not answered after this time fails: 5 s.
    pub timeout: Duration,
    /// A consumer that got nothing for this time while hints wait, and a connection that did not
    /// answer for this time, are replaced: 15 s.
    pub stall_after: Duration,
    /// What the connections are called in the broker's list of them: `sms`.
    pub connection_name: String,
    /// Certificates (PEM) of authorities that are trusted for `amqps:` besides those of the
    /// operating system.
    pub ca_certificates: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            prefix: "sms".to_owned(),
            prefetch: NonZeroU16::MIN.saturating_add(7),
            hold: Duration::from_secs(600),
            delivery_limit: NonZeroU32::MIN.saturating_add(19),
            timeout: Duration::from_secs(5),
            stall_after: Duration::from_secs(15),
            connection_name: "sms".to_owned(),
            ca_certificates: None,
        }
    }
}

/// The names of queues have at most 255 bytes (AMQP 0-9-1, short strings), and the longest of
/// ours adds 44 to the prefix.
const LONGEST_PREFIX: usize = 64;

/// The options that an address may set.
pub(crate) const PARAMETERS: [&str; 7] = [
    "prefix",
    "prefetch",
    "hold",
    "delivery_limit",
    "timeout",
    "stall_after",
    "ca_file",
];

impl Options {
    /// Sets an option as it stands in an address; says whether there is one of this name.
    pub(crate) fn set(&mut self, key: &str, value: &str) -> Result<bool, ConnectError> {
        let Some(option) = PARAMETERS.into_iter().find(|known| *known == key) else {
            return Ok(false);
        };
        let refuse = |problem: &str| ConnectError::Option {
            option,
            problem: problem.to_owned(),
        };
        let number = "is not a number from 1 on";
        let duration = || parse_duration(value).map_err(|error| refuse(&error.to_string()));
        match option {
            "prefetch" => self.prefetch = value.parse().map_err(|_| refuse(number))?,
            "delivery_limit" => self.delivery_limit = value.parse().map_err(|_| refuse(number))?,
            "hold" => self.hold = duration()?,
            "timeout" => self.timeout = duration()?,
            "stall_after" => self.stall_after = duration()?,
            "ca_file" => {
                let read = std::fs::read_to_string(value);
                let words =
                    |error| refuse(&format!("names {value}, which cannot be read: {error}"));
                self.ca_certificates = Some(read.map_err(words)?);
            }
            _ => self.prefix = value.to_owned(),
        }
        Ok(true)
    }

    pub(crate) fn check(&self) -> Result<(), ConnectError> {
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let problem = |option, problem: &str| {
            Err(ConnectError::Option {
                option,
                problem: problem.to_owned(),
            })
        };
        if self.prefix.is_empty() || self.prefix.len() > LONGEST_PREFIX {
            return problem("prefix", "must have 1 to 64 characters");
        }
        if !self.prefix.chars().all(word) {
            return problem(
                "prefix",
                "may have the characters A-Z, a-z, 0-9, '-', '_', '.'",
            );
        }
        if self.hold.is_zero() {
            return problem("hold", "must be longer than zero");
        }
        if self.timeout.is_zero() {
            return problem("timeout", "must be longer than zero");
        }
        if self.stall_after.is_zero() {
            return problem("stall_after", "must be longer than zero");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_cannot_work_are_refused_by_name() {
        let refused = |edit: fn(&mut Options)| {
            let mut options = Options::default();
            edit(&mut options);
            options.check().unwrap_err().to_string()
        };
        assert!(Options::default().check().is_ok());
        assert!(refused(|o| o.prefix = String::new()).contains("prefix"));
        assert!(refused(|o| o.prefix = "a b".to_owned()).contains("prefix"));
        assert!(refused(|o| o.prefix = "x".repeat(65)).contains("prefix"));
        assert!(refused(|o| o.hold = Duration::ZERO).contains("hold"));
        assert!(refused(|o| o.timeout = Duration::ZERO).contains("timeout"));
        assert!(refused(|o| o.stall_after = Duration::ZERO).contains("stall_after"));
    }
}
