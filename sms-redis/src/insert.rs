//! Storing new messages.

use redis::Value;
use sms_core::{Inserted, Message, MessageId};

use crate::error::Failure;
use crate::place::{self, Batch};
use crate::script::Run;
use crate::servers::{Answer, Request};
use crate::store::Inner;
use crate::{provider_ids, record, value};

const FORM: &str = "an insertion";

/// What became of each message.
pub(crate) async fn insert(store: &Inner, messages: &[Message]) -> Vec<Result<Inserted, Failure>> {
    let leads = messages.iter().map(|message| {
        let keys = record::keys_of(&message.progress);
        (keys.collect(), message.id())
    });
    let led = provider_ids::lead(store, &leads.collect::<Vec<_>>()).await;
    let is_led = |(message, led): (_, &Result<(), Failure>)| led.is_ok().then_some(message);
    let open: Vec<&Message> = messages.iter().zip(&led).filter_map(is_led).collect();
    let mut answers = send(store, &open).await.into_iter();
    let both = messages.iter().zip(led);
    both.map(|(message, led)| {
        led?;
        let answer = answers.next().unwrap_or(Err(Failure::Answer(FORM)));
        outcome(message.id(), answer?)
    })
    .collect()
}

async fn send(store: &Inner, messages: &[&Message]) -> Vec<Answer> {
    let ids = messages.iter().map(|message| message.id());
    let batches = place::batches(store, ids);
    let inserts: Vec<Request> = batches
        .iter()
        .map(|batch| request(store, batch, messages))
        .collect();
    let answers = store.servers.write_each(&inserts).await;
    place::in_order(&batches, answers, FORM)
}

fn outcome(id: MessageId, answer: Value) -> Result<Inserted, Failure> {
    Ok(match value::bytes(answer, FORM)? {
        None => Inserted::Created,
        Some(taken) => Inserted::Exists(Box::new(record::decode(id, &taken)?)),
    })
}

fn request(store: &Inner, batch: &Batch<'_>, messages: &[&Message]) -> Request {
    let hash = &store.scripts.insert;
    let mut run = Run::over_records(store, hash, batch, |place| messages[place].id());
    for place in &batch.places {
        let message = messages[*place];
        let progress = &message.progress;
        run.push(record::encode(message));
        run.push(message.request.accepted_at.as_millis());
        run.push(record::millis(progress.deadline));
        run.push(record::millis(progress.finished_at()));
    }
    run.request()
}
