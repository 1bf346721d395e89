//! Whether servers would lose what they confirm: checked before a store is opened, and of each
//! server again whenever it is connected to.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use redis::{Pipeline, Value};

use crate::dial::{Dialer, Target};
use crate::error::{ConnectError, Failure};
use crate::{Options, Place, topology, value};

/// The oldest release of Redis that has everything the scripts use. Valkey counts as 7.2.
const OLDEST: u32 = 7;

/// What is asked for, one question each.
const SETTINGS: [&str; 4] = [
    "maxmemory-policy",
    "appendonly",
    "appendfsync",
    "no-appendfsync-on-rewrite",
];

/// A server, and whether the store can be opened without it.
type Server = (String, bool);

/// Checks every server that is, or may become, a master.
pub(crate) async fn check(dialer: &Dialer, options: &Options) -> Result<(), ConnectError> {
    let servers = servers(dialer, options).await?;
    let checks = servers
        .into_iter()
        .map(|server| check_server(dialer, options, server));
    let mut exposed = None;
    for checked in join_all(checks).await {
        exposed = checked?.or(exposed);
    }
    if let Some(server) = exposed {
        tracing::warn!(
            server,
            "this Redis has replicas and no write waits for them: a failover loses the latest \
             messages and answers; set wait_replicas=1 in the URL, or min-replicas-to-write at \
             the server to bound the loss"
        );
    }
    Ok(())
}

/// The name of the server if a failover from it loses writes.
async fn check_server(
    dialer: &Dialer,
    options: &Options,
    (server, is_needed): Server,
) -> Result<Option<String>, ConnectError> {
    let is_cluster = matches!(options.place, Place::Cluster { .. });
    let mut pipe = Pipeline::new();
    pipe.cmd("INFO").arg("server");
    pipe.cmd("INFO").arg("replication");
    pipe.cmd("CONFIG").arg("GET").arg("min-replicas-to-write");
    ask_for_settings(&mut pipe);
    let mut answers = match dialer.ask(&server, &pipe).await {
        Ok(answers) => answers.into_iter(),
        // One that is down now is checked when it is connected to.
        Err(_) if !is_needed => return Ok(None),
        Err(failure) => return Err(unreachable(server, failure)),
    };
    let mut next = || answers.next().unwrap_or_default();
    let (info, replication, enough) = (next(), next(), next());
    if let Value::ServerError(error) = &info
        && error.code() == "NOAUTH"
    {
        return Err(unreachable(server, Failure::LoginRefused));
    }
    check_kind(&server, info, is_cluster)?;
    check_settings(&server, answers, options)?;
    let may_lose = options.wait_replicas == 0 && loses_at_failover(replication, enough);
    Ok(Some(server).filter(|_| may_lose))
}

/// Whether replicas follow the server, and it answers without any of them.
fn loses_at_failover(replication: Value, enough: Value) -> bool {
    let replication = value::text(replication, "INFO").unwrap_or_default();
    let mut lines = replication.lines();
    let replicas = lines.find_map(|line| line.strip_prefix("connected_slaves:"));
    let has_replicas = replicas.is_some_and(|count| count != "0");
    let enough = settings_of([enough].into_iter());
    let waits = enough.get("min-replicas-to-write");
    has_replicas && waits.is_some_and(|count| count == "0")
}

async fn servers(dialer: &Dialer, options: &Options) -> Result<Vec<Server>, ConnectError> {
    if let Some(target) = options.place.target() {
        let failed = |failure| unreachable(target.to_string(), failure);
        let master = dialer.resolve(&target).await.map_err(failed)?;
        let mut servers = vec![(master.clone(), true)];
        let replicas = replicas(dialer, &target).await;
        let others = replicas.into_iter().filter(|replica| *replica != master);
        servers.extend(others.map(|replica| (replica, false)));
        return Ok(servers);
    }
    let Place::Cluster { seeds } = &options.place else {
        return Ok(Vec::new());
    };
    let asked = topology::slots(dialer, seeds.clone()).await;
    let ranges = asked.map_err(|failure| unreachable(seeds.join(","), failure))?;
    let mut servers: Vec<Server> = ranges
        .into_iter()
        .flat_map(|range| range.replicas.into_iter().chain([range.master]))
        .map(|server| (server, false))
        .collect();
    servers.sort();
    servers.dedup();
    Ok(servers)
}

/// Those that sentinels know, of the first one that answers: each may be the master tomorrow.
async fn replicas(dialer: &Dialer, target: &Target) -> Vec<String> {
    let Target::Sentinel { sentinels, master } = target else {
        return Vec::new();
    };
    for sentinel in sentinels {
        if let Ok(replicas) = dialer.replicas(sentinel, master).await {
            return replicas;
        }
    }
    Vec::new()
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

pub(crate) fn ask_for_settings(pipe: &mut Pipeline) {
    for setting in SETTINGS {
        pipe.cmd("CONFIG").arg("GET").arg(setting);
    }
}

/// Only those that the server tells.
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
    // Valkey 8 and later call it otherwise, unless they are told to look like Redis.
    match line("redis_mode").or_else(|| line("server_mode")) {
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

/// Whether the server keeps what it confirms, by its answers to the questions for settings.
pub(crate) fn check_settings(
    server: &str,
    answers: impl IntoIterator<Item = Value>,
    options: &Options,
) -> Result<(), ConnectError> {
    let settings = settings_of(answers.into_iter());
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
    if options.dangerously_allow_late_fsync {
        return Ok(());
    }
    if fsync != "always" {
        return refuse(
            format!("it answers before the disk has what was written (appendfsync {fsync})"),
            "set appendfsync always",
            "dangerously_allow_late_fsync",
        );
    }
    // Whoever does not tell this one has told the others, and the setting is off by default.
    if setting("no-appendfsync-on-rewrite") == Some("yes") {
        return refuse(
            "while it rewrites its append-only file it answers before the disk has what was \
             written (no-appendfsync-on-rewrite yes)"
                .to_owned(),
            "set no-appendfsync-on-rewrite no",
            "dangerously_allow_late_fsync",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn setting((name, value): (&str, &str)) -> Value {
        Value::Array(vec![text(name), text(value)])
    }

    fn outcome(settings: [(&str, &str); 3], url: &str) -> Option<&'static str> {
        let options: Options = url.parse().unwrap();
        match check_settings("server", settings.map(setting), &options) {
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
    fn a_server_that_skips_syncs_during_a_rewrite_is_refused() {
        let settings = [
            ("maxmemory-policy", "noeviction"),
            ("appendonly", "yes"),
            ("appendfsync", "always"),
            ("no-appendfsync-on-rewrite", "yes"),
        ];
        let check = |url: &str| {
            let options: Options = url.parse().unwrap();
            check_settings("server", settings.map(setting), &options)
        };
        let problem = check("redis://db").unwrap_err().to_string();
        assert!(
            problem.contains("set no-appendfsync-on-rewrite no"),
            "{problem}"
        );
        assert!(check("redis://db?dangerously_allow_late_fsync=true").is_ok());
    }

    #[test]
    fn a_master_that_answers_before_its_replicas_have_it_may_lose_that() {
        for (replicas, enough, expected) in [("1", "0", true), ("0", "0", false), ("2", "1", false)]
        {
            let info = format!("# Replication\r\nrole:master\r\nconnected_slaves:{replicas}\r\n");
            let enough = setting(("min-replicas-to-write", enough));
            assert_eq!(
                loses_at_failover(text(&info), enough),
                expected,
                "{replicas}"
            );
        }
    }

    #[test]
    fn a_server_that_does_not_tell_is_refused() {
        let options: Options = "redis://db".parse().unwrap();
        let refused = check_settings("server", [], &options);
        let problem = refused.unwrap_err().to_string();
        assert!(
            problem.contains("dangerously_allow_unchecked_settings=true"),
            "{problem}"
        );
    }

    #[test]
    fn a_server_of_the_wrong_kind_is_refused() {
        for (info, is_cluster, expected) in [
            (
                "redis_version:7.0.15\r\nredis_mode:standalone\r\n",
                false,
                None,
            ),
            ("redis_version:7.2.4\r\nredis_mode:cluster\r\n", true, None),
            ("redis_version:6.2.1\r\n", false, Some("has version 6.2.1")),
            ("redis_mode:cluster\r\n", false, Some("redis+cluster://")),
            ("redis_mode:sentinel\r\n", false, Some("redis+sentinel://")),
            (
                "redis_version:7.2.4\r\nserver_name:valkey\r\nserver_mode:standalone\r\n",
                false,
                None,
            ),
            ("server_mode:cluster\r\n", true, None),
            ("server_mode:cluster\r\n", false, Some("redis+cluster://")),
            ("server_mode:sentinel\r\n", false, Some("redis+sentinel://")),
        ] {
            let checked = check_kind("server", text(info), is_cluster);
            match (checked, expected) {
                (Ok(()), None) => {}
                (Err(error), Some(part)) => assert!(error.to_string().contains(part), "{error}"),
                other => panic!("{info}: {other:?}"),
            }
        }
    }
}
