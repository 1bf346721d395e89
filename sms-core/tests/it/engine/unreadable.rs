//! A message that cannot be read any more must not take the others with it.

use std::collections::BTreeSet;
use std::sync::Arc;

use sms_core::testing::{FaultyStore, Port, ScriptedProvider, Step, Switch};
use sms_core::{
    AttemptOutcome, Engine, MemoryQueue, MessageId, NewMessage, ParkedReport, Report, ReportKey,
    ReportStatus, State, Store, StoreErrorKind,
};
use tokio::time::sleep;

use super::rig::{Rig, SECOND, accept_as, accepted, name, new_message};
use super::rotten::{Rots, Rotten};

impl Rig {
    /// A worker over a store in which something has rotted.
    fn worker_over(&self, store: Rotten) -> Engine {
        let worker = self.over(Arc::new(store), self.queue.clone());
        worker.provider(self.setup()).build().unwrap()
    }
}

fn keyed(key: u32) -> NewMessage {
    NewMessage {
        idempotency_key: Some(key.to_string().parse().unwrap()),
        ..new_message()
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadlines_of_the_others_are_acted_on() {
    let rig = Rig::new();
    let mut later = new_message();
    later.send_at = Some(rig.engine().now() + 10 * SECOND);
    let api = rig.engine();
    let rotten = accept_as(&api, later.clone()).await;
    let mut healthy = Vec::new();
    for _ in 0..20 {
        healthy.push(accept_as(&api, later.clone()).await);
    }
    let worker = rig.worker_over(Rotten::new(&rig.store, Rots::Reading, [rotten]));
    let _running = worker.start();
    sleep(12 * SECOND).await;
    for id in healthy {
        assert_eq!(rig.state(id).await, State::Sent);
    }
    assert_eq!(rig.state(rotten).await, State::Scheduled);
    let error = worker.message(rotten).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_the_sweep_goes_on() {
    let rig = Rig::new();
    let api = rig.engine();
    let rotten = accept_as(&api, new_message()).await;
    let store = Rotten::new(&rig.store, Rots::Reading, [rotten]);
    let finished = accept_as(&api, new_message()).await;
    api.cancel(finished).await.unwrap();
    let worker = rig.over(Arc::new(store), rig.queue.clone());
    let worker = worker.provider(rig.setup()).retention(60 * SECOND);
    let worker = worker.build().unwrap();
    // The deadline of the message that cannot be read has passed.
    sleep(50 * SECOND).await;
    let _running = worker.start();
    sleep(60 * SECOND).await;
    let found = rig.store.load(&[finished]).await.unwrap();
    assert_eq!(found, [None], "what is finished is still removed");
}

fn none_twice(rig: &Rig) {
    let submissions = rig.provider.submissions();
    let ids: BTreeSet<MessageId> = submissions.iter().map(|one| one.id).collect();
    assert_eq!(ids.len(), submissions.len());
}

/// One of the messages that come together repeats the key of one that cannot be read.
#[tokio::test(start_paused = true)]
async fn the_others_are_inserted() {
    for rots in [Rots::Writing, Rots::WritingTooLate] {
        let rig = Rig::new();
        let rotten = accept_as(&rig.engine(), keyed(0)).await;
        let engine = rig.worker_over(Rotten::new(&rig.store, rots, [rotten]));
        let _running = engine.start();
        let new = (0..20).map(keyed).chain([new_message()]).collect();
        let mut answers = engine.accept_many(new).await.into_iter();
        assert!(answers.next().unwrap().is_err());
        for accepted in answers {
            let accepted = accepted.unwrap();
            assert!(!accepted.replayed, "{rots:?}");
            let message = rig.until(accepted.message.id(), State::Sent).await;
            assert_eq!(message.progress.attempts.len(), 1, "{rots:?}");
        }
        none_twice(&rig);
    }
}

#[tokio::test(start_paused = true)]
async fn the_others_are_claimed() {
    for rots in [Rots::Writing, Rots::WritingTooLate] {
        let rig = Rig::new();
        let api = rig.engine();
        let rotten = accept_as(&api, new_message()).await;
        let mut healthy = Vec::new();
        for _ in 0..20 {
            healthy.push(accept_as(&api, new_message()).await);
        }
        let worker = rig.worker_over(Rotten::new(&rig.store, rots, [rotten]));
        let _running = worker.start();
        sleep(SECOND).await;
        for id in healthy {
            let message = rig.message(id).await;
            assert_eq!(message.state(), State::Sent, "{rots:?}");
            assert_eq!(message.progress.attempts.len(), 1, "{rots:?}");
        }
        none_twice(&rig);
    }
}

/// It rots while all of them are at the provider, which answers all at the same instant.
#[tokio::test(start_paused = true)]
async fn the_answers_to_the_others_are_kept() {
    for rots in [Rots::Writing, Rots::WritingTooLate] {
        let answer = |number: u32| Step::SayAfter(SECOND, accepted(&format!("p{number}")).into());
        let provider = ScriptedProvider::new("main").unwrap();
        let rig = Rig::with(provider.then((0..21).map(answer)));
        let store = Rotten::new(&rig.store, rots, []);
        let worker = rig.worker_over(store.clone());
        let _running = worker.start();
        let accepted = worker.accept_many(vec![new_message(); 21]).await;
        let mut ids = accepted.into_iter().map(|one| one.unwrap().message.id());
        rig.until_submitted(21).await;
        store.rot(ids.next().unwrap());
        sleep(2 * SECOND).await;
        for id in ids {
            let message = rig.message(id).await;
            assert_eq!(message.state(), State::Sent, "{rots:?}");
            let attempt = &message.progress.attempts[0];
            assert_eq!(attempt.outcome, Some(AttemptOutcome::Accepted), "{rots:?}");
        }
    }
}

/// Until its lease ends it would be taken for a message that the provider may have.
#[tokio::test(start_paused = true)]
async fn a_claim_of_which_nobody_knows_whether_it_is_stored_is_given_back() {
    let rig = Rig::new();
    let id = accept_as(&rig.engine(), new_message()).await;
    let store = Rotten::new(&rig.store, Rots::WritingTooLate, [id]);
    store.heals_after(1);
    let worker = rig.worker_over(store);
    let _running = worker.start();
    sleep(SECOND).await;
    let message = rig.message(id).await;
    let attempts = &message.progress.attempts;
    let outcomes: Vec<_> = attempts.iter().map(|one| one.outcome).collect();
    let expected = [AttemptOutcome::GivenBack, AttemptOutcome::Accepted];
    assert_eq!(outcomes, expected.map(Some));
    assert_eq!(rig.submissions(), 1);
}

/// The report names a message that is known, and its worker died before it looked for reports.
fn early(rig: &Rig, id: &str) -> ParkedReport {
    let provider_id = id.parse().unwrap();
    let now = rig.engine().now();
    let report = Report {
        received_at: now,
        provider: name("main"),
        status: ReportStatus::Delivered,
        provider_id: Some(provider_id),
        receipt_id: None,
        code: None,
        text: None,
        late: false,
    };
    ParkedReport {
        key: ReportKey {
            provider: name("main"),
            provider_id: report.provider_id.clone().unwrap(),
        },
        report,
        look_again_at: now + SECOND,
    }
}

async fn sent(rig: &Rig, count: usize) -> Vec<MessageId> {
    let api = rig.engine();
    let running = api.start();
    let mut ids = Vec::new();
    for _ in 0..count {
        let id = accept_as(&api, new_message()).await;
        rig.until(id, State::Sent).await;
        ids.push(id);
    }
    running.drain(SECOND).await;
    ids
}

#[tokio::test(start_paused = true)]
async fn the_parked_reports_of_the_others_are_joined() {
    let rig = Rig::new();
    let ids = sent(&rig, 3).await;
    let reports = ["provider-1", "provider-2", "provider-3"].map(|id| early(&rig, id));
    rig.store.park(reports.to_vec()).await.unwrap();
    let worker = rig.worker_over(Rotten::new(&rig.store, Rots::Reading, [ids[0]]));
    let _running = worker.start();
    sleep(3 * SECOND).await;
    for id in &ids[1..] {
        assert_eq!(rig.state(*id).await, State::Delivered);
    }
    let kept = rig
        .store
        .parked(std::slice::from_ref(&reports[0].key))
        .await
        .unwrap();
    assert_eq!(kept.len(), 1, "the message may be repaired");
    assert!(kept[0].look_again_at > reports[0].look_again_at);
}

#[tokio::test(start_paused = true)]
async fn finished_messages_are_removed_although_no_parked_report_can_be_read() {
    let rig = Rig::new();
    let id = accept_as(&rig.engine(), new_message()).await;
    rig.engine().cancel(id).await.unwrap();
    let store = Rotten::new(&rig.store, Rots::Parked, []);
    let worker = rig.over(Arc::new(store), rig.queue.clone());
    let worker = worker.provider(rig.setup()).retention(60 * SECOND);
    let _running = worker.build().unwrap().start();
    sleep(120 * SECOND).await;
    assert_eq!(rig.store.load(&[id]).await.unwrap(), [None]);
}

/// They are the longest overdue, more than a pass takes.
#[tokio::test(start_paused = true)]
async fn hundreds_of_them_neither_starve_the_others_nor_spin_the_sweep() {
    let rig = Rig::new();
    let api = rig.engine();
    let mut later = new_message();
    later.send_at = Some(api.now() + 10 * SECOND);
    let mut rotten = Vec::new();
    for _ in 0..1_200 {
        rotten.push(accept_as(&api, later.clone()).await);
    }
    later.send_at = Some(api.now() + 11 * SECOND);
    let healthy = accept_as(&api, later).await;
    let store = Arc::new(Rotten::new(&rig.store, Rots::Reading, rotten));
    let switch = Arc::new(Switch::default());
    let counted = FaultyStore::new(store, switch.clone());
    let worker = rig.over(Arc::new(counted), rig.queue.clone());
    let worker = worker.provider(rig.setup()).build().unwrap();
    let _running = worker.start();
    sleep(13 * SECOND).await;
    assert_eq!(rig.state(healthy).await, State::Sent);
    let passes = switch.calls(Port::Store, "due");
    assert!(passes < 13 * 5, "four a second, not {passes} in 13 s");
}

#[tokio::test(start_paused = true)]
async fn a_backlog_that_cannot_be_listed_is_left_to_its_deadlines() {
    let rig = Rig::new();
    let api = rig.engine();
    let rotten = accept_as(&api, new_message()).await;
    let id = accept_as(&api, new_message()).await;
    let store = Rotten::new(&rig.store, Rots::Listing, [rotten]);
    let worker = rig.over(Arc::new(store.clone()), Arc::new(MemoryQueue::new()));
    let worker = worker.hint_all_at_start().provider(rig.setup());
    let _running = worker.build().unwrap().start();
    sleep(12 * SECOND).await;
    assert_eq!(rig.state(id).await, State::Sent);
    assert_eq!(store.failures(), 1, "not in a hot loop");
}
