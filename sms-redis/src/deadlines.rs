//! Looking for what is due, over the sorted sets of all shards.

use sms_core::{MessageId, Timestamp};

use crate::error::Failure;
use crate::keys::Shard;
use crate::store::Inner;
use crate::value;

/// A member of a sorted set: score, number of the shard, member.
pub(crate) type Entry = (i64, usize, Vec<u8>);

/// The entries with the lowest scores up to `most` (a bound of Redis, such as `5` or `(5`), at
/// most `limit`, lowest first.
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
    for (shard, answer) in store.servers.read(requests).await?.into_iter().enumerate() {
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

pub(crate) async fn due(
    store: &Inner,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<MessageId>, Failure> {
    let now = now.as_millis().to_string();
    let entries = lowest(store, |shard| &shard.due, &now, limit).await?;
    let ids = entries.into_iter().map(|(_, _, member)| id_of(&member));
    ids.collect()
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
