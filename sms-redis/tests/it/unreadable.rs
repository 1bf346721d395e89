//! Records that cannot be read any more.

use std::time::Duration;

use sms_core::conformance::Samples;
use sms_core::{ParkedReport, ReportKey, Store, Timestamp};
use sms_redis::RedisStore;

use crate::server::{Server, fresh_prefix, store_at};

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000) + Duration::from_secs(seconds)
}

/// Spoils every report that is parked so far.
fn spoil(server: &Server) {
    let script = "for _, key in ipairs(redis.call('KEYS', '*:early:*')) do
            for _, field in ipairs(redis.call('HKEYS', key)) do
                redis.call('HSET', key, field, '000000000000000?')
            end
        end
        return 'done'";
    assert_eq!(server.ask(&["eval", script, "0"]).trim(), "done");
}

/// Ten reports, of which the first eight cannot be read.
async fn parked(
    server: &Server,
    key: impl Fn(&Samples) -> ReportKey,
) -> (RedisStore, Vec<ParkedReport>) {
    let samples = Samples::new(90);
    let url = format!("{}?prefix={}", server.url(), fresh_prefix());
    let store = store_at(&url).await;
    let mut reports = Vec::new();
    for seconds in 0..10 {
        let mut parked = samples.parked(&key(&samples), at(seconds));
        parked.report.code = Some(seconds.to_string());
        reports.push(parked);
    }
    store.park(reports[..8].to_vec()).await.unwrap();
    spoil(server);
    store.park(reports[8..].to_vec()).await.unwrap();
    (store, reports)
}

#[tokio::test]
async fn parked_reports_that_cannot_be_read_do_not_take_the_place_of_others() {
    let server = Server::start();
    let (store, reports) = parked(&server, Samples::key).await;
    let due = store.parked_due(at(100), 2).await.unwrap();
    assert_eq!(due, reports[8..]);
    let due = store.parked_due(at(7), 2).await.unwrap();
    assert_eq!(due, [], "none that is not due is given instead");
}

#[tokio::test]
async fn a_parked_report_that_cannot_be_read_leaves_its_key_usable() {
    let server = Server::start();
    let key = Samples::new(91).key();
    let (store, reports) = parked(&server, |_| key.clone()).await;
    let found = store.parked(std::slice::from_ref(&key)).await.unwrap();
    assert_eq!(found, reports[8..]);
}
