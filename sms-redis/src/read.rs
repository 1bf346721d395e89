//! Reading messages and counts.

use std::collections::HashMap;

use redis::Value;
use sms_core::{Message, MessageId, State, StateCounts};

use crate::error::Failure;
use crate::place;
use crate::script::Run;
use crate::servers::Request;
use crate::store::Inner;
use crate::{code, record, value};

/// The most keys of one command: the server does nothing else meanwhile.
pub(crate) const TOGETHER: usize = 500;

/// The value of one key.
fn get(slot: u16, key: &[u8]) -> Request {
    let mut cmd = redis::cmd("GET");
    cmd.arg(key);
    Request { slot, cmd }
}

pub(crate) async fn load(
    store: &Inner,
    ids: &[MessageId],
) -> Result<Vec<Option<Message>>, Failure> {
    let answers = match store.servers.waits_for_replicas() {
        true => replicated(store, ids).await?,
        false => records(store, ids).await?,
    };
    let both = ids.iter().zip(answers);
    both.map(|(id, answer)| {
        let bytes = value::bytes(answer, "a record")?;
        let message = bytes.map(|bytes| record::decode(*id, &bytes));
        Ok(message.transpose()?)
    })
    .collect()
}

/// The records, once replicas have what is read: a write of which that is not known is an error
/// to whoever made it, and may be gone after a failover. Whoever reads it must not act on it.
async fn replicated(store: &Inner, ids: &[MessageId]) -> Result<Vec<Value>, Failure> {
    let batches = place::batches(store, ids.iter().copied());
    let reads: Vec<Request> = batches
        .iter()
        .map(|batch| {
            let run = Run::over_records(store, &store.scripts.load, batch, |place| ids[place]);
            run.request()
        })
        .collect();
    let answers = store.servers.write_each(&reads).await;
    let answers = place::in_order(&batches, answers, "several values");
    answers.into_iter().collect()
}

/// The records as they are stored.
pub(crate) async fn records(store: &Inner, ids: &[MessageId]) -> Result<Vec<Value>, Failure> {
    let names = ids.iter().map(|id| store.keys.record(*id));
    strings(store, names.collect()).await
}

/// The values of keys, each with its slot: together where one server has all slots.
pub(crate) async fn strings(
    store: &Inner,
    keys: Vec<(Vec<u8>, u16)>,
) -> Result<Vec<Value>, Failure> {
    if !store.servers.is_one() {
        let requests = keys.iter().map(|(name, slot)| get(*slot, name));
        return store.servers.read(requests.collect()).await;
    }
    let some = |keys: &[(Vec<u8>, u16)]| {
        let mut cmd = redis::cmd("MGET");
        for (name, _) in keys {
            cmd.arg(name);
        }
        Request {
            slot: keys[0].1,
            cmd,
        }
    };
    let requests = keys.chunks(TOGETHER).map(some).collect();
    let mut values = Vec::with_capacity(keys.len());
    for answer in store.servers.read(requests).await? {
        values.extend(value::array(answer, "several values")?);
    }
    Ok(values)
}

pub(crate) async fn count(store: &Inner) -> Result<StateCounts, Failure> {
    let requests = store.of_each_shard("HGETALL", |shard| &shard.count, &[]);
    // Where a run takes messages of several shards, it counts all of them in one: only the sum
    // over all shards is a number of messages, and a single count may be below zero.
    let mut sums: HashMap<State, i64> = HashMap::new();
    for answer in store.servers.read(requests).await? {
        for (letter, count) in value::pairs(answer, "a count")? {
            let &[letter] = letter.as_bytes() else {
                return Err(Failure::Answer("a count"));
            };
            let state = code::state_of(letter)?;
            *sums.entry(state).or_default() += value::int(count, "a count")?;
        }
    }
    let mut counts = StateCounts::default();
    for (state, sum) in sums {
        counts.set(state, u64::try_from(sum).unwrap_or(0));
    }
    Ok(counts)
}
