//! Looking for what is due, over the sorted sets of all shards.

use redis::Value;
use sms_core::{MessageId, Timestamp};

use crate::error::Failure;
use crate::keys::Shard;
use crate::script::Run;
use crate::servers::Request;
use crate::store::Inner;
use crate::{place, value};

/// A member of a sorted set: score, number of the shard, member.
pub(crate) type Entry = (i64, usize, Vec<u8>);

/// The entries with the lowest scores up to `most` (a bound of Redis, such as `5` or `(5`), at
/// most `limit`, lowest first. Those of shards that are away are missing, unless all are away.
pub(crate) async fn lowest(
    store: &Inner,
    set: fn(&Shard) -> &String,
    most: &str,
    limit: usize,
) -> Result<Vec<Entry>, Failure> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let shards = store.keys.shards().len();
    // Usually all shards have about the same share.
    let share = (limit / shards * 2 + 8).min(limit);
    let (entries, is_whole) = ask_each(store, set, most, limit, share).await?;
    if is_whole {
        return Ok(entries);
    }
    Ok(ask_each(store, set, most, limit, limit).await?.0)
}

/// Asks every shard for its share. Says whether nothing is missing.
async fn ask_each(
    store: &Inner,
    set: fn(&Shard) -> &String,
    most: &str,
    limit: usize,
    share: usize,
) -> Result<(Vec<Entry>, bool), Failure> {
    let share_text = share.to_string();
    let range = [
        "-inf",
        most,
        "BYSCORE",
        "LIMIT",
        "0",
        &share_text,
        "WITHSCORES",
    ];
    let requests = store.of_each_shard("ZRANGE", set, &range);
    let mut entries = Vec::new();
    // What a shard has beyond its share is above this.
    let mut known_below = i64::MAX;
    for (shard, answer) in of_those_there(store, &requests).await? {
        let scored = value::scored(answer, "a sorted set")?;
        if scored.len() >= share {
            let last = scored.last().map_or(i64::MAX, |(score, _)| *score);
            known_below = known_below.min(last);
        }
        entries.extend(
            scored
                .into_iter()
                .map(|(score, member)| (score, shard, member)),
        );
    }
    entries.sort_unstable();
    entries.truncate(limit);
    let is_whole = share >= limit
        || known_below == i64::MAX
        || (entries.len() == limit && entries.last().is_some_and(|last| last.0 <= known_below));
    Ok((entries, is_whole))
}

/// The answers with the numbers of their shards. A master that is away must not keep what is due
/// elsewhere from being seen to.
async fn of_those_there(
    store: &Inner,
    requests: &[Request],
) -> Result<Vec<(usize, Value)>, Failure> {
    let answers = store.servers.read_each(requests).await;
    let mut there = Vec::with_capacity(answers.len());
    let mut missing = None;
    for (shard, answer) in answers.into_iter().enumerate() {
        match answer {
            Ok(answer) => there.push((shard, answer)),
            Err(failure) => missing = Some(failure),
        }
    }
    match missing {
        Some(failure) if there.is_empty() => return Err(failure),
        Some(failure) => tracing::warn!(%failure, "a part of the messages cannot be looked at"),
        None => {}
    }
    Ok(there)
}

/// Messages that somebody else deleted are taken out of the indexes: nothing would ever move their
/// deadlines, and enough of them would hide all others.
pub(crate) async fn due(
    store: &Inner,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<MessageId>, Failure> {
    let now = now.as_millis().to_string();
    let entries = lowest(store, |shard| &shard.due, &now, limit).await?;
    let ids = entries.into_iter().map(|(_, _, member)| id_of(&member));
    let ids: Vec<MessageId> = ids.collect::<Result<_, _>>()?;
    let are_there = without_missing(store, &ids).await?;
    let both = ids.into_iter().zip(are_there);
    Ok(both.filter_map(|(id, is)| is.then_some(id)).collect())
}

/// Whether each message is there; those that are not lose their places in the indexes.
pub(crate) async fn without_missing(
    store: &Inner,
    ids: &[MessageId],
) -> Result<Vec<bool>, Failure> {
    let batches = place::batches(store, ids.iter().copied());
    let requests = batches.iter().map(|batch| {
        let hash = &store.scripts.missing;
        Run::over_records(store, hash, batch, |place| ids[place]).request()
    });
    let requests: Vec<Request> = requests.collect();
    let answers = store.servers.read_each(&requests).await;
    let answers = place::in_order(&batches, answers, "missing records").into_iter();
    answers.map(|answer| Ok(answer? == Value::Int(1))).collect()
}

pub(crate) async fn next(store: &Inner) -> Result<Option<Timestamp>, Failure> {
    let first = lowest(store, |shard| &shard.due, "+inf", 1).await?;
    let first = first.into_iter().next();
    Ok(first.map(|(score, _, _)| Timestamp::from_millis(score)))
}

pub(crate) fn id_of(member: &[u8]) -> Result<MessageId, Failure> {
    let bytes = member.try_into().map_err(|_| Failure::Answer("an id"))?;
    Ok(MessageId::from_bytes(bytes))
}
