//! Committing changes by compare-and-set.

use redis::Value;
use sms_core::{Change, Committed, MessageId, ReportKey, Timestamp};

use crate::error::Failure;
use crate::place::{self, Batch};
use crate::script::Run;
use crate::servers::{Answer, Request};
use crate::store::Inner;
use crate::{progress, provider_ids, record};

const FORM: &str = "a commit";

/// How long a provider's id is kept that was written for a change which was not applied. It
/// leads to a message that does not know it, so nobody finds it; but another change that brings
/// the same id may be under way.
const KEEP: u32 = 7 * 24 * 3_600;

/// What became of each change.
pub(crate) async fn commit(store: &Inner, changes: &[Change]) -> Vec<Result<Committed, Failure>> {
    // Where one server has all slots, the script writes the ids of providers, too.
    let apart = !store.servers.is_one();
    let of = |change: &Change| match apart {
        true => (new_keys(change).collect(), change.before.id()),
        false => (Vec::new(), change.before.id()),
    };
    let leads: Vec<_> = changes.iter().map(of).collect();
    let led = provider_ids::lead(store, &leads).await;
    let is_led = |(change, led): (_, &Result<(), Failure>)| led.is_ok().then_some(change);
    let open: Vec<&Change> = changes.iter().zip(&led).filter_map(is_led).collect();
    let mut answers = send(store, &open, apart).await.into_iter();
    let both = changes.iter().zip(led);
    let committed: Vec<_> = both
        .map(|(change, led)| {
            led?;
            let answer = answers.next().unwrap_or(Err(Failure::Answer(FORM)));
            outcome(change.before.id(), answer?)
        })
        .collect();
    if apart {
        let pairs = changes.iter().zip(&committed);
        let stale: Vec<(ReportKey, MessageId)> = pairs.flat_map(stale_keys).collect();
        provider_ids::forget(store, &stale, KEEP).await;
    }
    committed
}

async fn send(store: &Inner, changes: &[&Change], apart: bool) -> Vec<Answer> {
    let ids = changes.iter().map(|change| change.before.id());
    let batches = place::batches(store, ids);
    let commits: Vec<Request> = batches
        .iter()
        .map(|batch| request(store, batch, changes, apart))
        .collect();
    let answers = store.servers.write_each(&commits).await;
    place::in_order(&batches, answers, FORM)
}

/// The provider ids that a change brings.
fn new_keys(change: &Change) -> impl Iterator<Item = ReportKey> + '_ {
    let known = &change.before.progress;
    record::keys_of(&change.after).filter(|key| !record::keys_of(known).any(|other| other == *key))
}

/// Those of them that lead nowhere now.
fn stale_keys(
    (change, committed): (&Change, &Result<Committed, Failure>),
) -> Vec<(ReportKey, MessageId)> {
    let current = match committed {
        Ok(Committed::Missing) => None,
        Ok(Committed::Conflict(current)) => Some(&current.progress),
        // It may have been applied.
        Ok(Committed::Applied | Committed::Failed(_)) | Err(_) => return Vec::new(),
    };
    let is_known = |key: &ReportKey| {
        current.is_some_and(|current| record::keys_of(current).any(|known| known == *key))
    };
    new_keys(change)
        .filter(|key| !is_known(key))
        .map(|key| (key, change.before.id()))
        .collect()
}

fn request(store: &Inner, batch: &Batch<'_>, changes: &[&Change], apart: bool) -> Request {
    let hash = &store.scripts.commit;
    let id = |place: usize| changes[place].before.id();
    let mut run = Run::over_records(store, hash, batch, id);
    for place in &batch.places {
        let change = changes[*place];
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
