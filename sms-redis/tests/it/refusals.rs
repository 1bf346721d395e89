//! Servers that a store is not opened on.

use sms_redis::{ConnectError, Options, RedisStore};

use crate::server::{DURABLE, Server, free_port};

async fn refusal(url: &str) -> Option<ConnectError> {
    let options: Options = url.parse().unwrap();
    RedisStore::connect(&options).await.err()
}

/// The last argument that sets something wins.
fn durable_but(arguments: &[&str]) -> Server {
    Server::start_with(&[&DURABLE, arguments].concat())
}

#[tokio::test]
async fn a_server_that_may_lose_messages_is_refused_unless_that_is_allowed() {
    let table: [(&[&str], &str); 6] = [
        (
            &["--appendonly", "no"],
            "dangerously_allow_no_append_only_file",
        ),
        (
            &["--appendfsync", "everysec"],
            "dangerously_allow_late_fsync",
        ),
        (&["--appendfsync", "no"], "dangerously_allow_late_fsync"),
        (
            &["--no-appendfsync-on-rewrite", "yes"],
            "dangerously_allow_late_fsync",
        ),
        (
            &["--maxmemory-policy", "allkeys-lru"],
            "dangerously_allow_eviction",
        ),
        (
            &["--rename-command", "CONFIG", ""],
            "dangerously_allow_unchecked_settings",
        ),
    ];
    for (arguments, key) in table {
        let server = durable_but(arguments);
        let refused = refusal(&server.url()).await;
        match refused {
            Some(ConnectError::NotDurable { key: named, .. }) => assert_eq!(named, key),
            other => panic!("{arguments:?}: {other:?}"),
        }
        let allowed = refusal(&format!("{}?{key}=true", server.url())).await;
        assert!(allowed.is_none(), "{arguments:?}: {allowed:?}");
    }
}

#[tokio::test]
async fn a_server_of_another_kind_is_refused_with_the_right_url() {
    let single = Server::start();
    let url = single.url().replace("redis://", "redis+cluster://");
    let problem = refusal(&url).await.unwrap().to_string();
    assert!(problem.contains("write redis://"), "{problem}");
    let node = durable_but(&["--cluster-enabled", "yes"]);
    let problem = refusal(&node.url()).await.unwrap().to_string();
    assert!(problem.contains("write redis+cluster://"), "{problem}");
}

#[tokio::test]
async fn who_cannot_log_in_or_connect_is_told_so() {
    let server = durable_but(&["--requirepass", "right-password"]);
    let at = format!("127.0.0.1:{}", server.port);
    for login in ["", ":wrong-password@", "nobody:right-password@"] {
        let refused = refusal(&format!("redis://{login}{at}")).await;
        let refused = refused.unwrap_or_else(|| panic!("{login} was let in"));
        assert!(
            matches!(refused, ConnectError::Unreachable { .. }),
            "{refused:?}"
        );
        assert!(!refused.is_passing(), "{refused:?}");
        let shown = format!("{refused:?} {refused}");
        assert!(
            shown.contains(&at) && !shown.contains("-password"),
            "{shown}"
        );
    }
    let allowed = refusal(&format!("redis://:right-password@{at}")).await;
    assert!(allowed.is_none(), "{allowed:?}");
    let nobody = format!("redis://127.0.0.1:{}", free_port());
    let refused = refusal(&nobody).await.unwrap();
    assert!(
        matches!(refused, ConnectError::Unreachable { .. }) && refused.is_passing(),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_store_keeps_its_shards_and_a_newer_one_is_refused() {
    let server = Server::start();
    let url = format!("{}?shards=4", server.url());
    assert!(refusal(&url).await.is_none());
    // The number is that of the store, whatever is asked for later.
    assert!(refusal(&server.url()).await.is_none());
    assert_eq!(server.ask(&["hget", "sms:meta", "shards"]).trim(), "4");
    server.ask(&["hset", "sms:meta", "format", "2"]);
    let problem = refusal(&url).await.unwrap().to_string();
    assert!(problem.contains("format 2"), "{problem}");
    server.ask(&["hset", "sms:meta", "format", "x"]);
    let problem = refusal(&url).await.unwrap().to_string();
    assert!(problem.contains("another prefix"), "{problem}");
}
