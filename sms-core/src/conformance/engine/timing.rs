//! Messages with a time of their own.

use std::time::Duration;

use tokio::time::sleep;

use super::Subject;
use super::world::{A_WHILE, UNAVAILABLE, World, new_message, plain, states};
use crate::testing::{Fault, Port};
use crate::{NewMessage, State};

const HOUR: Duration = Duration::from_secs(3_600);

/// Not before, and then without anybody's doing.
pub async fn a_scheduled_message_waits_for_its_time(place: Subject) {
    let world = World::new(place);
    let process = world.worker().await;
    let scheduled = NewMessage {
        send_at: Some(world.now() + HOUR),
        ..new_message()
    };
    let id = process.accept(scheduled).await;
    assert_eq!(process.state(id).await, State::Scheduled);
    world.skip(HOUR - Duration::from_secs(60));
    sleep(A_WHILE).await;
    assert_eq!(world.submissions(), 0);
    world.skip(Duration::from_secs(60));
    let sent = process.until(id, State::Sent).await;
    let life = [State::Scheduled, State::Queued, State::Sending, State::Sent];
    assert_eq!(states(&sent), life);
}

/// Nobody took it in time; it is not sent late.
pub async fn a_message_expires_while_it_waits_for_a_worker(place: Subject) {
    let world = World::new(place);
    let (api, worker) = (world.api().await, world.worker().await);
    api.switch.set(Port::Queue, "push", Fault::Lose);
    let id = api.accept(valid_for(20)).await;
    world.skip(Duration::from_secs(21));
    worker.until(id, State::Expired).await;
    sleep(A_WHILE).await;
    assert_eq!(world.submissions(), 0);
}

/// What could only be sent too late is known to have ended.
pub async fn a_message_expires_rather_than_wait_for_a_retry_beyond_its_validity(place: Subject) {
    let world = World::with(place, plain().then([UNAVAILABLE]));
    let process = world.worker().await;
    let id = process.accept(valid_for(20)).await;
    process.until(id, State::Expired).await;
    assert_eq!(world.submissions(), 1);
}

fn valid_for(seconds: u64) -> NewMessage {
    NewMessage {
        validity: Some(Duration::from_secs(seconds)),
        ..new_message()
    }
}
