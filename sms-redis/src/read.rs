//! Reading messages and counts.

use redis::Value;
use sms_core::{Message, MessageId, StateCounts};

use crate::error::Failure;
use crate::servers::Request;
use crate::store::Inner;
use crate::{code, record, value};

/// The value of one key.
pub(crate) fn get(slot: u16, key: &[u8]) -> Request {
    let mut cmd = redis::cmd("GET");
    cmd.arg(key);
    Request { slot, cmd }
}

pub(crate) async fn load(
    store: &Inner,
    ids: &[MessageId],
) -> Result<Vec<Option<Message>>, Failure> {
    let answers = records(store, ids).await?;
    let both = ids.iter().zip(answers);
    both.map(|(id, answer)| {
        let bytes = value::bytes(answer, "a record")?;
        let message = bytes.map(|bytes| record::decode(*id, &bytes));
        Ok(message.transpose()?)
    })
    .collect()
}

/// The records as they are stored.
pub(crate) async fn records(store: &Inner, ids: &[MessageId]) -> Result<Vec<Value>, Failure> {
    let requests = ids.iter().map(|id| {
        let (name, slot) = store.keys.record(*id);
        get(slot, &name)
    });
    store.servers.read(requests.collect()).await
}

pub(crate) async fn count(store: &Inner) -> Result<StateCounts, Failure> {
    let requests = store.of_each_shard("HGETALL", |shard| &shard.count, &[]);
    let mut counts = StateCounts::default();
    for answer in store.servers.read(requests).await? {
        for (letter, count) in value::pairs(answer, "a count")? {
            let &[letter] = letter.as_bytes() else {
                return Err(Failure::Answer("a count"));
            };
            let state = code::state_of(letter)?;
            let count = u64::try_from(value::int(count, "a count")?).unwrap_or(0);
            counts.set(state, counts.get(state) + count);
        }
    }
    Ok(counts)
}
