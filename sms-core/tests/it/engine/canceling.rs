//! Taking messages back while workers reach for them.

use std::time::Duration;

use sms_core::testing::{Fault, Port, ScriptedProvider, Step};
use sms_core::{Canceled, MessageId, Outcome, State};
use tokio::task::yield_now;
use tokio::time::sleep;

use super::rig::{Rig, SECOND, UNAVAILABLE, accept, accept_as, accepted, new_message};

#[tokio::test(start_paused = true)]
async fn what_is_not_on_its_way_is_taken_back() {
    let rig = Rig::new();
    let engine = rig.engine();
    let queued = accept(&engine).await;
    let mut new = new_message();
    new.send_at = Some(engine.now() + 60 * SECOND);
    let scheduled = accept_as(&engine, new).await;
    for id in [queued, scheduled] {
        let canceled = engine.cancel(id).await.unwrap();
        assert!(matches!(canceled, Canceled::Done(message) if message.id() == id));
        assert!(
            matches!(engine.cancel(id).await.unwrap(), Canceled::Done(_)),
            "twice"
        );
    }
    let _running = engine.start();
    sleep(120 * SECOND).await;
    assert_eq!(rig.submissions(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_is_not_taken_back_but_no_attempt_follows() {
    let slow = Step::SayAfter(2 * SECOND, UNAVAILABLE.into());
    let rig = Rig::with(ScriptedProvider::new("main").unwrap().then([slow]));
    let engine = rig.engine();
    let _running = engine.start();
    let id = accept(&engine).await;
    rig.until_submitted(1).await;
    let Canceled::TooLate(message) = engine.cancel(id).await.unwrap() else {
        panic!("it was on its way");
    };
    assert_eq!(message.state(), State::Sending);
    rig.until(id, State::Canceled).await;
    sleep(60 * SECOND).await;
    assert_eq!(rig.submissions(), 1);
}

#[tokio::test(start_paused = true)]
async fn between_two_attempts_it_is_taken_back() {
    let rig = Rig::with(ScriptedProvider::new("main").unwrap().then([UNAVAILABLE]));
    let engine = rig.engine();
    let _running = engine.start();
    let id = accept(&engine).await;
    rig.until_submitted(1).await;
    rig.until(id, State::Queued).await;
    assert!(matches!(
        engine.cancel(id).await.unwrap(),
        Canceled::Done(_)
    ));
    sleep(60 * SECOND).await;
    assert_eq!(rig.submissions(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_finished_message_and_a_stranger() {
    let rig = Rig::with(
        ScriptedProvider::new("main")
            .unwrap()
            .then([Outcome::Rejected]),
    );
    let engine = rig.engine();
    let _running = engine.start();
    let id = accept(&engine).await;
    rig.until(id, State::Rejected).await;
    let Canceled::TooLate(message) = engine.cancel(id).await.unwrap() else {
        panic!("it is finished");
    };
    assert_eq!(message.state(), State::Rejected);
    let stranger = MessageId::from_bytes([7; 16]);
    assert_eq!(engine.cancel(stranger).await.unwrap(), Canceled::NotFound);
}

/// Cancels at every moment around the claim, with calls to the store of all relative lengths.
#[tokio::test(start_paused = true)]
async fn of_a_cancel_and_a_claim_at_the_same_instant_one_wins() {
    let (mut won, mut lost) = (0, 0);
    for round in 0..600u32 {
        let taking = Step::SayAfter(SECOND, accepted("p").into());
        let rig = Rig::with(ScriptedProvider::new("main").unwrap().then([taking]));
        let (worker, claims) = rig.disturbed();
        let (client, cancels) = rig.disturbed();
        let millis = |n| Fault::Delay(Duration::from_millis(n));
        claims.set(Port::Store, "commit", millis(u64::from(round % 3)));
        cancels.set(Port::Store, "commit", millis(u64::from(round / 3 % 3)));
        cancels.set(Port::Store, "load", millis(u64::from(round / 9 % 3)));
        let _running = worker.start();
        let id = accept(&client).await;
        for _ in 0..round / 27 {
            yield_now().await;
        }
        let canceled = client.cancel(id).await.unwrap();
        sleep(10 * SECOND).await;
        let state = rig.state(id).await;
        match canceled {
            Canceled::Done(_) => {
                won += 1;
                assert_eq!((state, rig.submissions()), (State::Canceled, 0), "{round}");
            }
            Canceled::TooLate(_) => {
                lost += 1;
                assert_eq!((state, rig.submissions()), (State::Sent, 1), "{round}");
            }
            Canceled::NotFound => panic!("{round}: accepted and lost"),
        }
    }
    assert!(won > 50 && lost > 50, "one-sided: {won} won, {lost} lost");
}
