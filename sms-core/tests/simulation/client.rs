//! The clients: they send, repeat what failed, and change their minds.

use std::sync::Arc;
use std::time::Duration;

use sms_core::{
    Canceled, IdempotencyKey, MessageId, MessageText, NewMessage, PhoneNumber, State, UnknownPolicy,
};
use tokio::time::{sleep, timeout};

use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(4);

/// Sends one message at some time of the first minute.
pub(crate) async fn send_one(world: Arc<World>, number: u64) {
    let dice = &world.dice;
    sleep(dice.millis(0..60_000)).await;
    let new = new_message(&world, number);
    let Some(id) = send(&world, &new).await else {
        return;
    };
    if new.idempotency_key.is_some() && dice.chance(30) {
        let again = send(&world, &new).await;
        if again.is_some_and(|again| again != id) {
            world
                .books
                .violation(format!("{id}: its key gave another id"));
        }
    }
    if dice.chance(15) {
        sleep(dice.millis(0..30_000)).await;
        cancel(&world, id).await;
    }
}

fn new_message(world: &World, number: u64) -> NewMessage {
    let dice = &world.dice;
    let to: PhoneNumber = "+79991234567".parse().unwrap();
    let text = MessageText::new(format!("message {number}")).unwrap();
    let key: IdempotencyKey = format!("key-{number}").parse().unwrap();
    NewMessage {
        on_unknown: dice.pick(&[
            (2, UnknownPolicy::Hold),
            (2, UnknownPolicy::PreferDuplicate),
            (1, UnknownPolicy::PreferLoss),
        ]),
        provider: Some(dice.pick(&[(1, "plain"), (1, "keyed")]).parse().unwrap()),
        validity: Some(dice.millis(5_000..300_000)),
        send_at: dice
            .chance(20)
            .then(|| world.now() + dice.millis(0..60_000)),
        idempotency_key: dice.chance(60).then_some(key),
        ..NewMessage::new(to, text)
    }
}

/// Sends until it is accepted; without an idempotency key a failure is not repeated.
async fn send(world: &World, new: &NewMessage) -> Option<MessageId> {
    loop {
        let engine = world.some_engine();
        let accepted = timeout(PATIENCE, engine.accept(new.clone())).await;
        if let Ok(Ok(accepted)) = accepted {
            let id = accepted.message.id();
            world.books.tell(format!("{id} accepted"));
            world.books.accepted(id);
            world.books.meet(match accepted.message.state() {
                _ if accepted.replayed => "replayed",
                State::Sending => "handed over at once",
                _ => "queued",
            });
            return Some(id);
        }
        new.idempotency_key.as_ref()?;
        sleep(Duration::from_secs(1)).await;
    }
}

async fn cancel(world: &World, id: MessageId) {
    let engine = world.some_engine();
    match timeout(PATIENCE, engine.cancel(id)).await {
        Ok(Ok(Canceled::Done(_))) => {
            world.books.tell(format!("{id} canceled"));
            world.books.canceled(id);
            world.books.meet("cancel won");
        }
        Ok(Ok(Canceled::TooLate(_))) => world.books.meet("cancel lost"),
        Ok(Ok(Canceled::NotFound)) => {
            world.books.violation(format!("{id}: not found to cancel"));
        }
        // Nobody knows; the audit finds it in whatever state it is.
        Ok(Err(_)) | Err(_) => {}
    }
}
