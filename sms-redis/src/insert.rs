//! Storing new messages.

use sms_core::{Inserted, Message};

use crate::error::Failure;
use crate::place::{self, Batch};
use crate::script::Run;
use crate::servers::Request;
use crate::store::Inner;
use crate::{provider_ids, record, value};

const FORM: &str = "an insertion";

pub(crate) async fn insert(store: &Inner, messages: &[Message]) -> Result<Vec<Inserted>, Failure> {
    let leads = messages.iter().flat_map(|message| {
        let keys = record::keys_of(&message.progress);
        keys.map(|key| (key, message.id()))
    });
    provider_ids::lead(store, leads).await?;
    let batches = place::batches(store, messages.iter().map(Message::id));
    let inserts = batches.iter().map(|batch| request(store, batch, messages));
    let answers = store.servers.write(inserts.collect()).await?;
    let answers = place::in_order(&batches, answers, FORM)?;
    let both = messages.iter().zip(answers);
    both.map(|(message, answer)| {
        Ok(match value::bytes(answer, FORM)? {
            None => Inserted::Created,
            Some(taken) => Inserted::Exists(Box::new(record::decode(message.id(), &taken)?)),
        })
    })
    .collect()
}

fn request(store: &Inner, batch: &Batch<'_>, messages: &[Message]) -> Request {
    let hash = &store.scripts.insert;
    let mut run = Run::over_records(store, hash, batch, |place| messages[place].id());
    for place in &batch.places {
        let message = &messages[*place];
        let progress = &message.progress;
        run.push(record::encode(message));
        run.push(message.request.accepted_at.as_millis());
        run.push(record::millis(progress.deadline));
        run.push(record::millis(progress.finished_at()));
    }
    run.request()
}
