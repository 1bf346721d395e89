//! Reports whose message is not known yet.

use std::time::Duration;

use super::Subject;
use crate::conformance::Samples;
use crate::{ParkedReport, ReportKey, ReportStatus, Timestamp};

/// Every field survives, present or absent.
pub async fn a_parked_report_comes_back_as_it_was_parked(store: Subject) {
    let samples = Samples::new(80);
    let mut bare = samples.parked(&samples.key(), at(10));
    bare.report.provider_id = None;
    let full = ParkedReport {
        report: samples.rich().progress.reports.remove(1),
        ..samples.parked(&samples.key(), at(20))
    };
    park(&store, [bare.clone(), full.clone()]).await;
    assert_eq!(parked(&store, &bare.key).await, [bare.clone()]);
    assert_eq!(parked(&store, &full.key).await, std::slice::from_ref(&full));
    // To look takes nothing away.
    let both = [bare.key.clone(), full.key.clone()];
    assert_eq!(store.parked(&both).await.expect("parked"), [bare, full]);
}

/// Otherwise a provider that repeats itself would fill the store.
pub async fn a_repeated_report_replaces_the_parked_one(store: Subject) {
    let samples = Samples::new(81);
    let key = samples.key();
    let first = samples.parked(&key, at(10));
    let mut again = first.clone();
    again.report.received_at = samples.now();
    again.report.text = Some("other words".into());
    again.look_again_at = at(30);
    park(&store, [first.clone()]).await;
    park(&store, [again.clone()]).await;
    assert_eq!(parked(&store, &key).await, [again.clone()]);
    assert_eq!(store.parked_due(at(29), 10).await.expect("parked due"), []);
    // In one call, too.
    park(&store, [first, again.clone()]).await;
    assert_eq!(parked(&store, &key).await, [again]);
}

/// Whatever they differ in.
pub async fn different_reports_under_one_key_are_all_kept(store: Subject) {
    let samples = Samples::new(82);
    let key = samples.key();
    let mut reports = vec![samples.parked(&key, at(1)); 5];
    reports[1].report.status = ReportStatus::Buffered;
    reports[2].report.code = Some("1".into());
    reports[3].report.receipt_id = Some("r".into());
    reports[4].report.provider_id = None;
    for (seconds, report) in (1..).zip(&mut reports) {
        report.look_again_at = at(seconds);
    }
    park(&store, reports.as_slice()).await;
    assert_eq!(parked(&store, &key).await, reports);
    park(&store, reports.as_slice()).await;
    assert_eq!(parked(&store, &key).await.len(), 5, "repeats replace");
}

/// A provider id belongs to its provider.
pub async fn parked_reports_are_found_by_their_key_only(store: Subject) {
    let samples = Samples::new(83);
    let key = samples.key();
    park(&store, [samples.parked(&key, at(1))]).await;
    let other_provider = ReportKey {
        provider: "other".parse().expect("a name"),
        ..key.clone()
    };
    for other in [other_provider, samples.key()] {
        assert_eq!(parked(&store, &other).await, []);
    }
}

/// The millisecond itself counts.
pub async fn parked_due_gives_what_is_at_or_before_now(store: Subject) {
    let samples = Samples::new(84);
    let early = samples.parked(&samples.key(), at(10));
    let late = samples.parked(&samples.key(), at(20));
    park(&store, [late.clone(), early.clone()]).await;
    let due = async |now| store.parked_due(now, 10).await.expect("parked due");
    assert_eq!(due(at(10) - Duration::from_millis(1)).await, []);
    assert_eq!(due(at(10)).await, std::slice::from_ref(&early));
    let mut both = due(at(20)).await;
    both.sort_by_key(|parked| parked.look_again_at);
    assert_eq!(both, [early, late]);
}

/// And gives the rest once the first are gone.
pub async fn parked_due_gives_no_more_than_asked(store: Subject) {
    let samples = Samples::new(85);
    let all: Vec<ParkedReport> = (0..10)
        .map(|seconds| samples.parked(&samples.key(), at(seconds)))
        .collect();
    park(&store, all.as_slice()).await;
    let mut seen = Vec::new();
    for expected in [3, 3, 3, 1, 0] {
        let some = store.parked_due(at(100), 3).await.expect("parked due");
        assert_eq!(some.len(), expected);
        store.unpark(some.clone()).await.expect("unpark");
        seen.extend(some);
    }
    seen.sort_by_key(|parked| parked.look_again_at);
    assert_eq!(seen, all);
}

/// Removing it again is no error, and it can be parked again.
pub async fn an_unparked_report_is_gone(store: Subject) {
    let samples = Samples::new(86);
    let report = samples.parked(&samples.key(), at(1));
    store
        .unpark(vec![report.clone()])
        .await
        .expect("unpark what is not there");
    park(&store, [report.clone()]).await;
    store.unpark(vec![report.clone()]).await.expect("unpark");
    assert_eq!(parked(&store, &report.key).await, []);
    assert_eq!(store.parked_due(at(100), 10).await.expect("parked due"), []);
    store
        .unpark(vec![report.clone(), report.clone()])
        .await
        .expect("unpark again");
    park(&store, [report.clone()]).await;
    assert_eq!(parked(&store, &report.key).await, [report]);
}

/// Under the same key and under others.
pub async fn unparking_leaves_other_reports(store: Subject) {
    let samples = Samples::new(87);
    let key = samples.key();
    let first = samples.parked(&key, at(1));
    let mut second = first.clone();
    second.report.status = ReportStatus::Buffered;
    let elsewhere = samples.parked(&samples.key(), at(1));
    park(&store, [first.clone(), second.clone(), elsewhere.clone()]).await;
    store.unpark(vec![first]).await.expect("unpark");
    assert_eq!(parked(&store, &key).await, [second]);
    assert_eq!(parked(&store, &elsewhere.key).await, [elsewhere]);
}

async fn park(store: &Subject, reports: impl Into<Vec<ParkedReport>>) {
    store.park(reports.into()).await.expect("park");
}

async fn parked(store: &Subject, key: &ReportKey) -> Vec<ParkedReport> {
    store
        .parked(std::slice::from_ref(key))
        .await
        .expect("parked")
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000) + Duration::from_secs(seconds)
}
