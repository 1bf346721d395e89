//! Taking messages back.

use std::time::Duration;

use tokio::time::sleep;

use super::Subject;
use super::world::{A_WHILE, HINT, UNAVAILABLE, World, by_reference, holding, new_message, plain};
use crate::{Canceled, MessageId, NewMessage, ReportStatus, State};

/// Scheduled, in line, or between two attempts.
pub async fn what_is_not_on_its_way_is_taken_back(place: Subject) {
    let world = World::with(place, plain().then([UNAVAILABLE]));
    let api = world.api().await;
    let hour = Duration::from_secs(3_600);
    let scheduled = NewMessage {
        send_at: Some(world.now() + hour),
        ..new_message()
    };
    let worker = world.worker().await;
    let tried = worker.accept(new_message()).await;
    world.until_submitted(1).await;
    worker.until(tried, State::Queued).await;
    worker.kill();
    let scheduled = api.accept(scheduled).await;
    let queued = api.accept(new_message()).await;
    for id in [tried, scheduled, queued] {
        for _ in 0..2 {
            let canceled = api.cancel(id).await;
            assert!(matches!(canceled, Canceled::Done(message) if message.id() == id));
        }
    }
    let _worker = world.worker().await;
    world.skip(hour + HINT);
    sleep(A_WHILE).await;
    assert_eq!(world.submissions(), 1, "the attempt before the cancel");
}

/// The provider may have it, so the caller must know.
pub async fn what_is_on_its_way_is_not_taken_back_but_no_attempt_follows(place: Subject) {
    let (provider, [answer]) = holding(plain());
    let world = World::with(place, provider);
    let (worker, api) = (world.worker().await, world.api().await);
    let id = worker.accept(new_message()).await;
    world.until_submitted(1).await;
    let Canceled::TooLate(message) = api.cancel(id).await else {
        panic!("it was on its way");
    };
    assert_eq!(message.state(), State::Sending);
    answer.say(UNAVAILABLE);
    worker.until(id, State::Canceled).await;
    let sent = worker.accept(new_message()).await;
    worker.until(sent, State::Sent).await;
    assert!(matches!(api.cancel(sent).await, Canceled::TooLate(_)));
    assert_eq!(
        (world.submissions(), worker.state(sent).await),
        (2, State::Sent)
    );
}

/// Nor is what never was.
pub async fn what_is_finished_is_not_taken_back(place: Subject) {
    let world = World::new(place);
    let worker = world.worker().await;
    let id = worker.accept(new_message()).await;
    worker.until(id, State::Sent).await;
    worker
        .report(by_reference(id, ReportStatus::Undelivered))
        .await;
    let Canceled::TooLate(message) = worker.cancel(id).await else {
        panic!("it is finished");
    };
    assert_eq!(message.state(), State::Undelivered);
    let stranger = MessageId::from_bytes([7; 16]);
    assert_eq!(worker.cancel(stranger).await, Canceled::NotFound);
}
