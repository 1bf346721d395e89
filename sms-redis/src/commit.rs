//! Committing changes by compare-and-set.

use redis::Value;
use sms_core::{Change, Committed, MessageId, ReportKey};

use crate::error::Failure;
use crate::place::{self, Batch};
use crate::script::Run;
use crate::servers::Request;
use crate::store::Inner;
use crate::{code, progress, provider_ids, record};

const FORM: &str = "a commit";

/// How long a provider's id is kept that was written for a change which was not applied. It
/// leads to a message that does not know it, so nobody finds it; but another change that brings
/// the same id may be under way.
const KEEP: u32 = 7 * 24 * 3_600;

pub(crate) async fn commit(store: &Inner, changes: &[Change]) -> Result<Vec<Committed>, Failure> {
    // Where one server has all slots, the script writes the ids of providers, too.
    let apart = !store.servers.is_one();
    if apart {
        let leads = changes.iter().flat_map(|change| {
            let id = change.before.id();
            new_keys(change).map(move |key| (key, id))
        });
        provider_ids::lead(store, leads).await?;
    }
    let shards = changes
        .iter()
        .map(|change| store.keys.shard_of(change.before.id()));
    let batches = place::batches(&store.keys, shards);
    let commits = batches
        .iter()
        .map(|batch| request(store, batch, changes, apart));
    let answers = store.servers.write(commits.collect()).await?;
    let answers = place::in_order(&batches, answers, FORM)?;
    let mut committed = Vec::with_capacity(changes.len());
    for (change, answer) in changes.iter().zip(answers) {
        committed.push(outcome(change.before.id(), answer)?);
    }
    if apart {
        let pairs = changes.iter().zip(&committed);
        let stale: Vec<(ReportKey, MessageId)> = pairs.flat_map(stale_keys).collect();
        provider_ids::forget(store, &stale, KEEP).await;
    }
    Ok(committed)
}

/// The provider ids that a change brings.
fn new_keys(change: &Change) -> impl Iterator<Item = ReportKey> + '_ {
    let known = &change.before.progress;
    record::keys_of(&change.after).filter(|key| !record::keys_of(known).any(|other| other == *key))
}

/// Those of them that lead nowhere now.
fn stale_keys((change, committed): (&Change, &Committed)) -> Vec<(ReportKey, MessageId)> {
    let current = match committed {
        Committed::Applied => return Vec::new(),
        Committed::Missing => None,
        Committed::Conflict(current) => Some(&current.progress),
    };
    let is_known = |key: &ReportKey| {
        current.is_some_and(|current| record::keys_of(current).any(|known| known == *key))
    };
    new_keys(change)
        .filter(|key| !is_known(key))
        .map(|key| (key, change.before.id()))
        .collect()
}

fn request(store: &Inner, batch: &Batch<'_>, changes: &[Change], apart: bool) -> Request {
    let hash = &store.scripts.commit;
    let records = batch.places.len();
    let leads = |place: &usize| {
        let keys = new_keys(&changes[*place]).filter(|_| !apart);
        keys.map(|key| store.keys.provider_id(&key)).collect()
    };
    let leads: Vec<Vec<Vec<u8>>> = batch.places.iter().map(leads).collect();
    let count: usize = leads.iter().map(Vec::len).sum();
    let mut run = Run::over_records(hash, batch.shard, records + count);
    for place in &batch.places {
        run.push(batch.shard.record(changes[*place].before.id()));
    }
    for lead in leads.iter().flatten() {
        run.push(lead);
    }
    run.push(records);
    for (place, leads) in batch.places.iter().zip(&leads) {
        let Change { before, after } = &changes[*place];
        run.push(before.progress.version.to_be_bytes().as_slice());
        run.push(after.version.to_be_bytes().as_slice());
        run.push([code::letter(after.state)].as_slice());
        run.push(record::millis(after.deadline));
        run.push(record::millis(after.finished_at()));
        run.push(progress::encode(after));
        run.push(leads.len());
    }
    run.request()
}

fn outcome(id: MessageId, answer: Value) -> Result<Committed, Failure> {
    match answer {
        Value::Int(1) => Ok(Committed::Applied),
        Value::Nil => Ok(Committed::Missing),
        Value::BulkString(current) => {
            let current = record::decode(id, &current)?;
            Ok(Committed::Conflict(Box::new(current)))
        }
        _ => Err(Failure::Answer(FORM)),
    }
}
