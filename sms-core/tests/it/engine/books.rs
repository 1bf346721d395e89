//! Several processes on one store, and what is kept of finished messages.

use std::sync::Arc;

use sms_core::testing::ScriptedProvider;
use sms_core::{Outcome, ReportStatus, State};
use tokio::time::sleep;

use super::rig::{Rig, SECOND, UNAVAILABLE, accept, by_reference, name};

#[tokio::test(start_paused = true)]
async fn two_engines_on_one_store_do_no_harm() {
    let mixed = (0..300).map(|number| match number % 5 {
        0 => UNAVAILABLE,
        1 => Outcome::Throttled { retry_after: None },
        2 => Outcome::Rejected,
        _ => super::rig::accepted(&format!("p{number}")),
    });
    let rig = Rig::with(ScriptedProvider::new("main").unwrap().then(mixed));
    let (one, two) = (rig.engine(), rig.engine());
    let _running = (one.start(), two.start());
    let mut ids = Vec::new();
    for number in 0..300 {
        let engine = if number % 2 == 0 { &one } else { &two };
        ids.push(accept(engine).await);
    }
    sleep(550 * SECOND).await;
    let counts = one.count().await.unwrap();
    assert_eq!(counts.total(), 300);
    let (sent, rejected) = (counts.get(State::Sent), counts.get(State::Rejected));
    assert_eq!((sent + rejected, rejected), (300, 60), "{counts:?}");
    let mut submitted: Vec<_> = rig
        .provider
        .submissions()
        .into_iter()
        .map(|submission| (submission.id, submission.attempt))
        .collect();
    let all = submitted.len();
    submitted.sort_unstable();
    submitted.dedup();
    assert_eq!(submitted.len(), all, "every attempt was made once");
    assert_eq!(all, 300 + 60 + 60, "and no more than needed");
}

#[tokio::test(start_paused = true)]
async fn only_finished_messages_are_removed_and_only_after_their_time() {
    let rig = Rig::new();
    let engine = rig
        .bare(&Arc::default())
        .provider(rig.setup())
        .retention(100 * SECOND)
        .build()
        .unwrap();
    let _running = engine.start();
    let finished = accept(&engine).await;
    let sent = accept(&engine).await;
    rig.until(finished, State::Sent).await;
    let report = by_reference(finished.reference(), ReportStatus::Delivered);
    engine.report(&name("main"), report).await.unwrap();
    sleep(99 * SECOND).await;
    assert!(engine.message(finished).await.unwrap().is_some());
    sleep(35 * SECOND).await;
    assert!(engine.message(finished).await.unwrap().is_none());
    assert_eq!(rig.state(sent).await, State::Sent);
    assert_eq!(engine.count().await.unwrap().total(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_retention_everything_is_kept() {
    let rig = Rig::new();
    let engine = rig.engine();
    let _running = engine.start();
    let id = accept(&engine).await;
    engine.cancel(id).await.unwrap();
    sleep(5_000 * SECOND).await;
    assert!(engine.message(id).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn the_sweep_is_never_behind_while_all_is_well() {
    let rig = Rig::with(
        ScriptedProvider::new("main")
            .unwrap()
            .then(vec![UNAVAILABLE; 100]),
    );
    let engine = rig.engine();
    let _running = engine.start();
    for _ in 0..50 {
        accept(&engine).await;
    }
    for _ in 0..1_000 {
        sleep(SECOND / 3).await;
        if let Some(deadline) = engine.next_deadline().await.unwrap() {
            let behind = engine.now().since(deadline);
            assert!(behind <= SECOND / 2, "{behind:?}");
        }
    }
}
