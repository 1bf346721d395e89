//! Putting the items of a call together for the runs of a script, and the answers back in order.

use redis::Value;
use sms_core::MessageId;

use crate::error::Failure;
use crate::keys::{Keys, Shard};
use crate::script::ITEMS;
use crate::servers::Answer;
use crate::store::Inner;
use crate::value;

/// Items for one run of a script.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    /// The shard of all of them; of the first where one run takes those of several.
    pub(crate) shard: &'a Shard,
    /// Their places in the call.
    pub(crate) places: Vec<usize>,
}

/// Batches of messages: of any shards where one server has all slots, else by shard. Messages of
/// a shard stay in order.
pub(crate) fn batches(store: &Inner, ids: impl IntoIterator<Item = MessageId>) -> Vec<Batch<'_>> {
    let shards = ids.into_iter().map(|id| store.keys.shard_of(id));
    if store.servers.is_one() {
        of_any_shards(&store.keys, &shards.collect::<Vec<_>>())
    } else {
        by_shard(&store.keys, shards)
    }
}

/// Batches of items by the number of each one's shard. Items of a shard stay in order.
pub(crate) fn by_shard(keys: &Keys, shards: impl IntoIterator<Item = usize>) -> Vec<Batch<'_>> {
    let mut by_shard = vec![Vec::new(); keys.shards().len()];
    for (place, shard) in shards.into_iter().enumerate() {
        by_shard[shard].push(place);
    }
    let several = by_shard.iter().zip(keys.shards());
    several
        .flat_map(|(places, shard)| {
            places.chunks(ITEMS).map(move |places| Batch {
                shard,
                places: places.to_vec(),
            })
        })
        .collect()
}

fn of_any_shards<'a>(keys: &'a Keys, shards: &[usize]) -> Vec<Batch<'a>> {
    let starts = (0..shards.len()).step_by(ITEMS);
    starts
        .map(|start| Batch {
            shard: &keys.shards()[shards[start]],
            places: (start..shards.len().min(start + ITEMS)).collect(),
        })
        .collect()
}

/// The answers of the scripts, one for each item of the call. What became of a run became of each
/// of its items.
pub(crate) fn in_order(
    batches: &[Batch<'_>],
    answers: Vec<Answer>,
    what: &'static str,
) -> Vec<Answer> {
    let count = batches.iter().map(|batch| batch.places.len()).sum();
    let mut ordered = vec![Ok(Value::Nil); count];
    for (batch, answer) in batches.iter().zip(answers) {
        let of_items = answer
            .and_then(|answer| value::array(answer, what))
            .and_then(|items| match items.len() == batch.places.len() {
                true => Ok(items),
                false => Err(Failure::Answer(what)),
            });
        match of_items {
            Ok(items) => {
                for (place, item) in batch.places.iter().zip(items) {
                    ordered[*place] = Ok(item);
                }
            }
            Err(failure) => {
                for place in &batch.places {
                    ordered[*place] = Err(failure.clone());
                }
            }
        }
    }
    ordered
}
