//! Removing what was finished long ago.

use redis::Value;
use sms_core::{MessageId, ReportKey, Timestamp};

use crate::error::Failure;
use crate::script::Run;
use crate::servers::Request;
use crate::store::Inner;
use crate::{deadlines, place, provider_ids, read, record, value};

/// How long the provider ids of a message stay when it is removed: longer than removing takes.
/// Until then they lead to nothing.
const KEEP: u32 = 3_600;

pub(crate) async fn remove_finished(
    store: &Inner,
    before: Timestamp,
    limit: usize,
) -> Result<usize, Failure> {
    let below = format!("({}", before.as_millis());
    let entries = deadlines::lowest(store, |shard| &shard.done, &below, limit).await?;
    if entries.is_empty() {
        return Ok(0);
    }
    let ids: Vec<MessageId> = entries
        .iter()
        .map(|(_, _, member)| deadlines::id_of(member))
        .collect::<Result<_, _>>()?;
    // First the provider ids: a crash after that leaves messages that the next call removes, a
    // crash before that would leave ids that nobody ever removes.
    let leads = leads_of(store, &ids).await?;
    provider_ids::forget(store, &leads, KEEP).await;
    let removed = remove(store, &ids, before).await?;
    let was_removed = |id: &MessageId| {
        let place = ids.iter().position(|other| other == id);
        place.is_some_and(|place| removed[place])
    };
    let kept: Vec<(ReportKey, MessageId)> = leads
        .into_iter()
        .filter(|(_, id)| !was_removed(id))
        .collect();
    provider_ids::forget(store, &kept, 0).await;
    Ok(removed.into_iter().filter(|removed| *removed).count())
}

/// What cannot be read must not keep a message for ever: it has no provider ids then.
async fn leads_of(
    store: &Inner,
    ids: &[MessageId],
) -> Result<Vec<(ReportKey, MessageId)>, Failure> {
    let answers = read::records(store, ids).await?;
    let of = |(id, answer): (&MessageId, Value)| {
        let bytes = value::bytes(answer, "a record").ok().flatten();
        let message = bytes.and_then(|bytes| record::decode(*id, &bytes).ok());
        let keys: Vec<ReportKey> = message
            .iter()
            .flat_map(|message| record::keys_of(&message.progress))
            .collect();
        keys.into_iter().map(|key| (key, *id)).collect::<Vec<_>>()
    };
    Ok(ids.iter().zip(answers).flat_map(of).collect())
}

/// Whether each message was still finished so long ago, and is removed.
async fn remove(store: &Inner, ids: &[MessageId], before: Timestamp) -> Result<Vec<bool>, Failure> {
    let batches = place::batches(store, ids.iter().copied());
    let requests = batches.iter().map(|batch| {
        let hash = &store.scripts.remove;
        let run = Run::over_records(store, hash, batch, |place| ids[place]);
        run.arg(before.as_millis()).request()
    });
    let requests: Vec<Request> = requests.collect();
    let answers = store.servers.write_each(&requests).await;
    let answers = place::in_order(&batches, answers, "a removal").into_iter();
    answers.map(|answer| Ok(answer? == Value::Int(1))).collect()
}
