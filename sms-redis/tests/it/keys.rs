//! What is left in the server.

use sms_core::conformance::{Samples, changed, finished};
use sms_core::{Change, Committed, Message, ReportKey, State, Store, Timestamp};
use sms_redis::RedisStore;

use crate::conformance::cluster;
use crate::server::{Server, fresh_prefix, store_at};

/// How many keys with this prefix expire, and how many do not.
fn keys(servers: &[&Server], prefix: &str) -> (usize, usize) {
    let count = "local expiring, lasting = 0, 0
        for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
            if redis.call('TTL', key) > 0 then expiring = expiring + 1 else lasting = lasting + 1 end
        end
        return expiring .. ' ' .. lasting";
    let mut sums = (0, 0);
    for server in servers {
        let counted = server.ask(&["eval", count, "0", prefix]);
        let (expiring, lasting) = counted.trim().split_once(' ').unwrap();
        sums.0 += expiring.parse::<usize>().unwrap();
        sums.1 += lasting.parse::<usize>().unwrap();
    }
    sums
}

fn sent(samples: &Samples, message: &Message, key: &ReportKey) -> Change {
    changed(message, |progress| {
        progress.state = State::Sent;
        let attempt = samples.accepted_attempt(1, &key.provider_id);
        progress.attempts.push(attempt);
    })
}

async fn apply(store: &RedisStore, change: Change) -> Message {
    let message = Message {
        request: change.before.request.clone(),
        progress: change.after.clone(),
    };
    let committed = store.commit(vec![change]).await.unwrap();
    assert_eq!(committed, [Committed::Applied]);
    message
}

/// Nothing that belongs to an unfinished message, or to a finished one before it is removed, ever
/// expires; afterwards nothing stays.
#[tokio::test]
async fn only_what_was_removed_goes() {
    let server = Server::start();
    let nodes = cluster().nodes.iter().collect::<Vec<_>>();
    for (url, is_cluster) in [(server.url(), false), (cluster().url(), true)] {
        let prefix = format!("{}x", fresh_prefix());
        let store = store_at(&format!("{url}?prefix={prefix}")).await;
        let keys = || {
            let masters: Vec<&Server> = if is_cluster {
                cluster()
                    .masters()
                    .into_iter()
                    .map(|at| nodes[at])
                    .collect()
            } else {
                vec![&server]
            };
            keys(&masters, &prefix)
        };
        let samples = Samples::new(70);
        let (message, key) = (samples.message(), samples.key());
        store.insert(vec![message.clone()]).await.unwrap();
        let stale = sent(&samples, &message, &samples.key());
        let message = apply(&store, sent(&samples, &message, &key)).await;
        let lasting = keys().1;
        // A change that was not applied: its provider id goes by itself, if it was written.
        let refused = store.commit(vec![stale]).await.unwrap();
        assert!(matches!(refused[..], [Committed::Conflict(_)]));
        assert_eq!(keys(), (usize::from(is_cluster), lasting));
        let end = finished(&message, State::Delivered, Timestamp::from_millis(5));
        apply(&store, end).await;
        assert_eq!(
            keys().0,
            usize::from(is_cluster),
            "finished, but not removed"
        );
        assert_eq!(store.find(&[key]).await.unwrap(), [Some(message.id())]);
        let removed = store.remove_finished(Timestamp::MAX, 10).await.unwrap();
        assert_eq!(removed, 1);
        // The counts and the settings stay; the provider ids go.
        assert_eq!(keys(), (1 + usize::from(is_cluster), 2));
    }
}
