//! Putting the items of a call together by shard, and the answers back in order.

use redis::Value;

use crate::error::Failure;
use crate::keys::{Keys, Shard};
use crate::script::ITEMS;
use crate::value;

/// Items of one shard for one run of a script.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    pub(crate) shard: &'a Shard,
    /// Their places in the call.
    pub(crate) places: Vec<usize>,
}

/// Batches of items by the number of each one's shard. Items of a shard stay in order.
pub(crate) fn batches(keys: &Keys, shards: impl IntoIterator<Item = usize>) -> Vec<Batch<'_>> {
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

/// The answers of the scripts, one for each item of the call.
pub(crate) fn in_order(
    batches: &[Batch<'_>],
    answers: Vec<Value>,
    what: &'static str,
) -> Result<Vec<Value>, Failure> {
    let count = batches.iter().map(|batch| batch.places.len()).sum();
    let mut ordered = vec![Value::Nil; count];
    for (batch, answer) in batches.iter().zip(answers) {
        let answers = value::array(answer, what)?;
        if answers.len() != batch.places.len() {
            return Err(Failure::Answer(what));
        }
        for (place, answer) in batch.places.iter().zip(answers) {
            ordered[*place] = answer;
        }
    }
    Ok(ordered)
}
