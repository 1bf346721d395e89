//! What is checked before a store is opened: whether the servers would lose what they confirm.

use std::collections::HashMap;
use std::sync::Arc;

use redis::{Pipeline, Value};

use crate::dial::Dialer;
use crate::error::{ConnectError, Failure};
use crate::{Options, Place, topology, value};

/// The oldest release of Redis that has everything the scripts use. Valkey counts as 7.2.
const OLDEST: u32 = 7;

/// Checks every server that is, or may become, a master.
pub(crate) async fn check(dialer: &Dialer, options: &Options) -> Result<(), ConnectError> {
    let is_cluster = matches!(options.place, Place::Cluster { .. });
    for server in servers(dialer, options).await? {
        let mut pipe = Pipeline::new();
        pipe.cmd("INFO").arg("server");
        for setting in ["maxmemory-policy", "appendonly", "appendfsync"] {
            pipe.cmd("CONFIG").arg("GET").arg(setting);
        }
        let answers = match dialer.ask(&server, &pipe).await {
            Ok(answers) => answers,
            // A replica that is down now is checked by whoever starts it.
            Err(_) if is_cluster => continue,
            Err(failure) => return Err(unreachable(server, failure)),
        };
        let mut answers = answers.into_iter();
        let info = answers.next().unwrap_or_default();
        if let Value::ServerError(error) = &info
            && error.code() == "NOAUTH"
        {
            return Err(unreachable(server, Failure::LoginRefused));
        }
        check_kind(&server, info, is_cluster)?;
        check_settings(&server, &settings_of(answers), options)?;
    }
    Ok(())
}

async fn servers(dialer: &Dialer, options: &Options) -> Result<Vec<String>, ConnectError> {
    if let Some(target) = options.place.target() {
        let address = dialer.resolve(&target).await;
        let failed = |failure| unreachable(target.to_string(), failure);
        return Ok(vec![address.map_err(failed)?]);
    }
    let Place::Cluster { seeds } = &options.place else {
        return Ok(Vec::new());
    };
    let asked = topology::slots(dialer, seeds.clone()).await;
    let ranges = asked.map_err(|failure| unreachable(seeds.join(","), failure))?;
    let mut servers: Vec<String> = ranges
        .into_iter()
        .flat_map(|range| range.replicas.into_iter().chain([range.master]))
        .collect();
    servers.sort();
    servers.dedup();
    Ok(servers)
}

pub(crate) fn unreachable(server: String, failure: Failure) -> ConnectError {
    match failure {
        Failure::Refused(refusal) if refusal.to_string().contains("cluster support disabled") => {
            ConnectError::Unsuitable {
                server,
                problem: "is no cluster; write redis:// instead of redis+cluster://".to_owned(),
            }
        }
        failure => ConnectError::Unreachable {
            server,
            source: Arc::new(failure),
        },
    }
}

/// `None` where the server does not tell.
fn settings_of(answers: impl Iterator<Item = Value>) -> HashMap<String, String> {
    answers
        .filter_map(|answer| value::pairs(answer, "CONFIG GET").ok())
        .flatten()
        .filter_map(|(name, setting)| Some((name, value::text(setting, "CONFIG GET").ok()?)))
        .collect()
}

fn check_kind(server: &str, info: Value, is_cluster: bool) -> Result<(), ConnectError> {
    // Who may not ask is not told; then the first call that the server does not know fails.
    let info = value::text(info, "INFO").unwrap_or_default();
    let line = |name: &str| {
        let mut lines = info.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
    };
    let unsuitable = |problem: String| {
        Err(ConnectError::Unsuitable {
            server: server.to_owned(),
            problem,
        })
    };
    if let Some(version) = line("redis_version") {
        let major = version
            .split('.')
            .next()
            .and_then(|major| major.parse().ok());
        if major.is_some_and(|major: u32| major < OLDEST) {
            let problem = format!("has version {version}; {OLDEST}.0 or later is needed");
            return unsuitable(problem);
        }
    }
    match line("redis_mode") {
        Some("cluster") if !is_cluster => {
            let problem = "is part of a cluster; write redis+cluster:// instead of redis://";
            unsuitable(problem.to_owned())
        }
        Some("sentinel") => {
            let problem = "is a sentinel; write redis+sentinel://host:26379/NAME";
            unsuitable(problem.to_owned())
        }
        _ => Ok(()),
    }
}

fn check_settings(
    server: &str,
    settings: &HashMap<String, String>,
    options: &Options,
) -> Result<(), ConnectError> {
    let refuse = |problem: String, remedy, key| {
        Err(ConnectError::NotDurable {
            server: server.to_owned(),
            problem,
            remedy,
            key,
        })
    };
    let setting = |name: &str| settings.get(name).map(String::as_str);
    let all = (
        setting("maxmemory-policy"),
        setting("appendonly"),
        setting("appendfsync"),
    );
    let (Some(eviction), Some(append_only), Some(fsync)) = all else {
        if options.dangerously_allow_unchecked_settings {
            return Ok(());
        }
        return refuse(
            "it does not tell its settings".to_owned(),
            "allow the command CONFIG GET",
            "dangerously_allow_unchecked_settings",
        );
    };
    // The volatile policies drop only keys that expire, and no message does.
    if eviction.starts_with("allkeys") && !options.dangerously_allow_eviction {
        return refuse(
            format!("it drops keys when its memory is full (maxmemory-policy {eviction})"),
            "set maxmemory-policy noeviction",
            "dangerously_allow_eviction",
        );
    }
    if append_only != "yes" {
        if options.dangerously_allow_no_append_only_file {
            return Ok(());
        }
        return refuse(
            format!("it keeps no append-only file (appendonly {append_only})"),
            "set appendonly yes",
            "dangerously_allow_no_append_only_file",
        );
    }
    if fsync != "always" && !options.dangerously_allow_late_fsync {
        return refuse(
            format!("it answers before the disk has what was written (appendfsync {fsync})"),
            "set appendfsync always",
            "dangerously_allow_late_fsync",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(settings: [(&str, &str); 3], url: &str) -> Option<&'static str> {
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let options: Options = url.parse().unwrap();
        match check_settings("server", &settings.into(), &options) {
            Ok(()) => None,
            Err(ConnectError::NotDurable { key, .. }) => Some(key),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn what_may_lose_messages_needs_a_word_of_its_own() {
        let refusals = [
            ("allkeys-lru", "yes", "always", "dangerously_allow_eviction"),
            (
                "allkeys-random",
                "yes",
                "always",
                "dangerously_allow_eviction",
            ),
            (
                "noeviction",
                "no",
                "always",
                "dangerously_allow_no_append_only_file",
            ),
            (
                "noeviction",
                "yes",
                "everysec",
                "dangerously_allow_late_fsync",
            ),
            ("noeviction", "yes", "no", "dangerously_allow_late_fsync"),
        ];
        for (policy, append_only, fsync, key) in refusals {
            let settings = [
                ("maxmemory-policy", policy),
                ("appendonly", append_only),
                ("appendfsync", fsync),
            ];
            assert_eq!(outcome(settings, "redis://db"), Some(key));
            let allowed = format!("redis://db?{key}=true");
            assert_eq!(outcome(settings, &allowed), None, "{key}");
        }
    }

    #[test]
    fn what_keeps_messages_is_taken() {
        for policy in ["noeviction", "volatile-lru", "volatile-ttl"] {
            let settings = [
                ("maxmemory-policy", policy),
                ("appendonly", "yes"),
                ("appendfsync", "always"),
            ];
            assert_eq!(outcome(settings, "redis://db"), None, "{policy}");
        }
    }

    #[test]
    fn a_server_that_does_not_tell_is_refused() {
        let options: Options = "redis://db".parse().unwrap();
        let refused = check_settings("server", &HashMap::new(), &options);
        let problem = refused.unwrap_err().to_string();
        assert!(
            problem.contains("dangerously_allow_unchecked_settings=true"),
            "{problem}"
        );
    }

    #[test]
    fn a_server_of_the_wrong_kind_is_refused() {
        let info = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        for (text, is_cluster, expected) in [
            (
                "redis_version:7.0.15\r\nredis_mode:standalone\r\n",
                false,
                None,
            ),
            ("redis_version:7.2.4\r\nredis_mode:cluster\r\n", true, None),
            ("redis_version:6.2.1\r\n", false, Some("has version 6.2.1")),
            ("redis_mode:cluster\r\n", false, Some("redis+cluster://")),
            ("redis_mode:sentinel\r\n", false, Some("redis+sentinel://")),
        ] {
            let checked = check_kind("server", info(text), is_cluster);
            match (checked, expected) {
                (Ok(()), None) => {}
                (Err(error), Some(part)) => assert!(error.to_string().contains(part), "{error}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
