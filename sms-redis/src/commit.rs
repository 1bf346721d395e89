//! Committing changes by compare-and-set.

use redis::Value;
use sms_core::{Change, Committed, MessageId, ReportKey, Timestamp};

use crate::error::Failure;
use crate::place::{self, Batch};
use crate::script::Run;
use crate::servers::Request;
use crate::store::Inner;
use crate::{progress, provider_ids, record};

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
    let ids = changes.iter().map(|change| change.before.id());
    let batches = place::batches(store, ids);
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
    let id = |place: usize| changes[place].before.id();
    let mut run = Run::over_records(store, hash, batch, id);
    for place in &batch.places {
        let change = &changes[*place];
        let (before, after) = (&change.before.progress, &change.after);
        run.push(record::version(before.version).as_slice());
        run.push(record::head(after).as_slice());
        run.push(progress::encode(after));
        run.push(moved(before.deadline, after.deadline));
        run.push(moved(before.finished_at(), after.finished_at()));
        let leads = new_keys(change).filter(|_| !apart);
        let leads: Vec<Vec<u8>> = leads.map(|key| store.keys.provider_id(&key)).collect();
        run.push(leads.len());
        run.push(leads);
    }
    run.request()
}

/// A place in an index as the script takes it.
fn moved(before: Option<Timestamp>, after: Option<Timestamp>) -> String {
    match after {
        after if after == before => String::new(),
        Some(at) => at.as_millis().to_string(),
        None => "-".to_owned(),
    }
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
