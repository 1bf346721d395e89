//! The log, to standard error.

use std::io::{IsTerminal as _, stderr};

use tracing::subscriber::set_global_default;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::{Config, LogFormat};
use crate::progress::Screen;

const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// The crates of this project: a plain level is about them. Others tell what went wrong only,
/// because what they say further may hold what they carry.
const OURS: [&str; 8] = [
    "sms",
    "sms_core",
    "sms_grpc",
    "sms_delivery_http",
    "sms_provider_http",
    "sms_sqlite",
    "sms_redis",
    "sms_amqp",
];

/// Tells as errors what this project's own crate over it tells as what it is, and mends.
const REPEATERS: &str = "lapin=off";

/// What is wrong with a level.
const UNREADABLE: &str = "is no level: write error, warn, info, debug or trace, or filters such \
                          as \"info,sms_core=debug\"";

/// Reads `log.level`.
pub(crate) fn filter(level: &str) -> Result<EnvFilter, &'static str> {
    let level = level.trim();
    let directives = if LEVELS.contains(&level) {
        let one = |name: &&str| format!("{name}={level}");
        let ours: Vec<_> = OURS.iter().map(one).collect();
        format!("warn,{REPEATERS},{}", ours.join(","))
    } else {
        let is_known = |part: &str| part.contains('=') || LEVELS.contains(&part.trim());
        if !level.split(',').all(is_known) {
            return Err(UNREADABLE);
        }
        level.to_owned()
    };
    EnvFilter::try_new(directives).map_err(|_| UNREADABLE)
}

/// Begins to write the log. Only the binary does that, once.
///
/// What other crates tell through the crate `log` is not listened to, at any level: the one that
/// reads phone numbers tells them all.
pub(crate) fn start(config: &Config, screen: &Screen) -> Result<(), &'static str> {
    let filter = filter(&config.log.level)?;
    let builder = fmt().with_env_filter(filter).with_writer(screen.clone());
    let colour = stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let started = match config.log.format {
        LogFormat::Text => set_global_default(builder.with_ansi(colour).finish()),
        LogFormat::Json => set_global_default(builder.json().flatten_event(true).finish()),
    };
    started.map_err(|_| "the log was started already")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_a_word_or_a_list_of_filters() {
        for level in ["info", "error", "warn,sms_core=debug", " debug "] {
            assert!(filter(level).is_ok(), "{level}");
        }
        for level in ["", "loud", "info,loud", "sms_core=loud"] {
            assert!(filter(level).is_err(), "{level}");
        }
    }

    #[test]
    fn a_plain_level_keeps_other_crates_quiet() {
        let filter = filter("debug").unwrap().to_string();
        assert!(
            filter.contains("sms_core=debug")
                && filter.contains("warn")
                && filter.contains("lapin=off"),
            "{filter}"
        );
    }
}
