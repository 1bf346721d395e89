//! Keeping to what a provider takes, by waiting.

use std::sync::Arc;
use std::time::Duration;

use sms_core::testing::{Broker, ScriptedProvider, Step};
use sms_core::{
    AttemptOutcome, MemoryQueue, NewMessage, Outcome, Priority, ProviderSetup, Queue, State,
};
use tokio::time::Instant;

use super::rig::{Diary, Rig, SECOND, UNAVAILABLE, accept, accept_as, name, new_message};

#[tokio::test(start_paused = true)]
async fn a_throughput_of_5_per_second_is_kept_and_used() {
    let rig = Rig::new();
    let engine = rig.bare(&Arc::default()).provider(rig.limited_to("5/s"));
    let engine = engine.build().unwrap();
    for _ in 0..20 {
        accept(&engine).await;
    }
    let start = Instant::now();
    let _running = engine.start();
    rig.until_submitted(20).await;
    let took = start.elapsed();
    let exact = Duration::from_millis(3_800);
    assert!(took >= exact - Duration::from_millis(25), "{took:?}");
    assert!(took <= exact + Duration::from_millis(200), "{took:?}");
}

/// A campaign of a minute is in line before it.
#[tokio::test(start_paused = true)]
async fn a_one_time_code_overtakes_bulk_messages_that_wait_for_throughput() {
    let queues: [fn() -> Arc<dyn Queue>; 2] = [
        || Arc::new(MemoryQueue::new()),
        || Arc::new(Broker::new().connect()),
    ];
    for queue in queues {
        let rig = Rig::new();
        let process = rig.over(rig.store.clone(), queue());
        let engine = process.provider(rig.limited_to("5/s")).build().unwrap();
        let _running = engine.start();
        let of = |priority| NewMessage {
            priority,
            ..new_message()
        };
        let campaign = engine.accept_many(vec![of(Priority::Bulk); 300]).await;
        assert!(campaign.iter().all(Result::is_ok));
        tokio::time::sleep(3 * SECOND).await;
        let start = Instant::now();
        let id = accept_as(&engine, of(Priority::Otp)).await;
        rig.until(id, State::Sent).await;
        assert!(start.elapsed() <= 2 * SECOND, "{:?}", start.elapsed());
        assert!(rig.submissions() < 30);
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_throughput_is_unclaimed_and_can_be_canceled() {
    let rig = Rig::new();
    let engine = rig.bare(&Arc::default()).provider(rig.limited_to("1/min"));
    let engine = engine.build().unwrap();
    let _running = engine.start();
    let ids = [accept(&engine).await, accept(&engine).await];
    tokio::time::sleep(30 * SECOND).await;
    assert_eq!(rig.submissions(), 1);
    let states = [rig.state(ids[0]).await, rig.state(ids[1]).await];
    assert_eq!(states, [State::Sent, State::Queued]);
    engine.cancel(ids[1]).await.unwrap();
    tokio::time::sleep(60 * SECOND).await;
    assert_eq!(rig.submissions(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_process_has_no_more_under_way_than_it_may() {
    let provider = ScriptedProvider::new("main").unwrap();
    let slow = || Step::SayAfter(SECOND, super::rig::accepted("p").into());
    let rig = Rig::with(provider.then((0..12).map(|_| slow())));
    let setup = ProviderSetup {
        concurrency: 3,
        ..rig.setup()
    };
    let engine = rig.bare(&Arc::default()).provider(setup).build().unwrap();
    let _running = engine.start();
    for _ in 0..12 {
        accept(&engine).await;
    }
    for second in 0..4 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(rig.submissions(), 3 * (second + 1));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_held_does_not_hold_up_another() {
    let throttled = Outcome::Throttled {
        retry_after: Some(3_000 * SECOND),
    };
    let rig = Rig::with(ScriptedProvider::new("main").unwrap().then([throttled]));
    let other = Arc::new(ScriptedProvider::new("other").unwrap());
    let engine = rig
        .bare(&Arc::default())
        .provider(rig.setup())
        .provider(ProviderSetup::new(other.clone()))
        .build()
        .unwrap();
    let _running = engine.start();
    accept(&engine).await;
    rig.until_submitted(1).await;
    for _ in 0..5 {
        accept(&engine).await;
    }
    let mut new = new_message();
    new.provider = Some(name("other"));
    let id = accept_as(&engine, new).await;
    rig.until(id, State::Sent).await;
    assert_eq!((rig.submissions(), other.submissions().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_throttled_answer_pauses_the_lane_for_as_long_as_it_asks() {
    let throttled = Outcome::Throttled {
        retry_after: Some(40 * SECOND),
    };
    let rig = Rig::with(ScriptedProvider::new("main").unwrap().then([throttled]));
    let diary = Arc::new(Diary::default());
    let engine = rig
        .bare(&Arc::default())
        .provider(rig.setup())
        .observer(diary.clone())
        .build()
        .unwrap();
    let _running = engine.start();
    let first = accept(&engine).await;
    rig.until_submitted(1).await;
    tokio::time::sleep(SECOND).await;
    let second = accept(&engine).await;
    tokio::time::sleep(38 * SECOND).await;
    assert_eq!(rig.submissions(), 1, "the lane is paused");
    let message = rig.until(second, State::Sent).await;
    assert_eq!(message.progress.attempts.len(), 1, "no attempt was used up");
    let message = rig.until(first, State::Sent).await;
    let outcomes: Vec<_> = message
        .progress
        .attempts
        .iter()
        .map(|one| one.outcome)
        .collect();
    let expected = [AttemptOutcome::Throttled, AttemptOutcome::Accepted];
    assert_eq!(outcomes, expected.map(Some));
    assert_eq!(diary.count("main held for 40s"), 1);
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_stop_the_provider_and_use_up_no_retries() {
    let refusals = vec![Outcome::Unauthorized; 12];
    let rig = Rig::with(ScriptedProvider::new("main").unwrap().then(refusals));
    let diary = Arc::new(Diary::default());
    let engine = rig
        .bare(&Arc::default())
        .provider(rig.setup())
        .observer(diary.clone())
        .retry(sms_core::RetrySchedule::new(SECOND, SECOND, 1, sms_core::Jitter::None).unwrap())
        .build()
        .unwrap();
    let _running = engine.start();
    let first = accept(&engine).await;
    rig.until_submitted(1).await;
    let start = Instant::now();
    let mut others = Vec::new();
    for _ in 0..50 {
        others.push(accept(&engine).await);
    }
    tokio::time::sleep(4 * SECOND).await;
    assert_eq!(rig.submissions(), 1, "the provider is stopped");
    for id in others.into_iter().chain([first]) {
        rig.until(id, State::Sent).await;
    }
    // One probe at a time: pauses of 5, 10, 20, 40, then 60 s.
    let pauses: u64 = 5 + 10 + 20 + 40 + 8 * 60;
    let took = start.elapsed().as_secs();
    assert!((pauses..=pauses + 5).contains(&took), "{took} s");
    assert_eq!(rig.submissions(), 12 + 51);
    assert_eq!(diary.count("main held for 60s"), 8);
}

/// The breaker: many failures at once are one failure of the provider.
#[tokio::test(start_paused = true)]
async fn failures_at_once_close_the_gate_once_and_one_message_probes() {
    let failures = vec![Step::SayAfter(SECOND, UNAVAILABLE.into()); 66];
    let rig = Rig::with(ScriptedProvider::new("main").unwrap().then(failures));
    let diary = Arc::new(Diary::default());
    let engine = rig
        .bare(&Arc::default())
        .provider(rig.setup())
        .observer(diary.clone())
        .build()
        .unwrap();
    let _running = engine.start();
    let start = Instant::now();
    for _ in 0..100 {
        accept(&engine).await;
    }
    tokio::time::sleep(1_500 * SECOND / 1_000).await;
    assert_eq!(rig.submissions(), 64, "as many as may be under way");
    assert_eq!(
        diary
            .entries()
            .iter()
            .filter(|one| one.contains("held"))
            .count(),
        1
    );
    assert_eq!(diary.count("main held for 5s"), 1);
    tokio::time::sleep(Duration::from_millis(4_400)).await;
    assert_eq!(rig.submissions(), 64, "closed for 5 s");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(rig.submissions(), 65, "one probes");
    tokio::time::sleep(SECOND).await;
    assert_eq!(diary.count("main held for 10s"), 1, "and fails");
    tokio::time::sleep(9 * SECOND + SECOND / 2).await;
    assert_eq!(rig.submissions(), 65);
    // The second probe fails too; after 20 s the third one opens the gate for all.
    rig.until_submitted(66).await;
    assert_eq!(diary.count("main held for 20s"), 0);
    rig.until_submitted(66 + 100).await;
    assert_eq!(diary.count("main held for 20s"), 1);
    assert!(start.elapsed() < 60 * SECOND, "{:?}", start.elapsed());
}

/// It takes what is under way when it begins to hang, and then one message at a time.
#[tokio::test(start_paused = true)]
async fn a_provider_that_hangs_does_not_swallow_the_backlog() {
    let hangs = vec![Step::Hang; 66];
    let rig = Rig::with(ScriptedProvider::new("main").unwrap().then(hangs));
    let diary = Arc::new(Diary::default());
    let engine = rig.bare(&Arc::default()).provider(rig.setup());
    let engine = engine.observer(diary.clone()).build().unwrap();
    let _running = engine.start();
    for _ in 0..300 {
        accept(&engine).await;
    }
    // The time-out is 5.5 s; then it is held for 5 s, probed, held for 10 s, probed, for 20 s.
    tokio::time::sleep(10 * SECOND).await;
    assert_eq!(rig.submissions(), 64);
    assert_eq!(diary.count("main held for 5s"), 1);
    tokio::time::sleep(40 * SECOND).await;
    assert_eq!(rig.submissions(), 66);
    assert_eq!(engine.count().await.unwrap().get(State::Queued), 234);
    // The third probe is answered: the gate is open.
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(engine.count().await.unwrap().get(State::Sent), 234);
}

/// The lane had been waiting for work with free slots in hand when the gate closed.
#[tokio::test(start_paused = true)]
async fn a_gate_that_closes_while_the_lane_waits_for_work_is_closed() {
    let failures = vec![Step::SayAfter(SECOND, UNAVAILABLE.into()); 5];
    let probe = Step::SayAfter(SECOND, super::rig::accepted("p").into());
    let failures = failures.into_iter().chain([probe]);
    let rig = Rig::with(ScriptedProvider::new("main").unwrap().then(failures));
    let engine = rig.engine();
    let _running = engine.start();
    for _ in 0..5 {
        accept(&engine).await;
    }
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(rig.submissions(), 5);
    for _ in 0..5 {
        accept(&engine).await;
    }
    tokio::time::sleep(3 * SECOND).await;
    assert_eq!(rig.submissions(), 5, "the gate is closed");
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(rig.submissions(), 6, "it is open, for one");
    rig.until_submitted(11).await;
}

/// Its slots are from before the failures, and nothing came until the pause was over.
#[tokio::test(start_paused = true)]
async fn a_lane_that_waited_for_work_over_a_pause_probes_all_the_same() {
    let failures = vec![Step::SayAfter(SECOND, UNAVAILABLE.into()); 5];
    let probe = Step::SayAfter(SECOND, super::rig::accepted("p").into());
    let failures = failures.into_iter().chain([probe]);
    let rig = Rig::with(ScriptedProvider::new("main").unwrap().then(failures));
    let engine = rig.engine();
    let _running = engine.start();
    for _ in 0..5 {
        accept(&engine).await;
    }
    // They fail after 1 s, the pause is over after 6 s, and all five are tried again then.
    tokio::time::sleep(6 * SECOND + SECOND / 2).await;
    assert_eq!(rig.submissions(), 6, "one of the five");
    rig.until_submitted(10).await;
}
