//! The ids that providers gave to messages.
//!
//! Such an id has a slot of its own, so in a cluster it cannot be written together with its
//! message. It is written before, and whoever follows it looks whether the message knows it.

use sms_core::{MessageId, ReportKey};

use crate::error::Failure;
use crate::script::Run;
use crate::servers::Request;
use crate::slot::slot;
use crate::store::Inner;
use crate::{read, record, value};

/// Makes ids lead to messages; says for each message whether all of its ids do. They lie
/// anywhere in a cluster, so a master that is away fails some messages and not others.
///
/// A provider that starts to count anew gives an old id to a new message: that is the one whose
/// reports are to come.
pub(crate) async fn lead(
    store: &Inner,
    leads: &[(Vec<ReportKey>, MessageId)],
) -> Vec<Result<(), Failure>> {
    let mut led = vec![Ok(()); leads.len()];
    let mut writes = Vec::new();
    let mut places = Vec::new();
    for (place, (keys, id)) in leads.iter().enumerate() {
        for key in keys {
            let name = store.keys.provider_id(key);
            let slot = slot(&name);
            let mut cmd = redis::cmd("SET");
            cmd.arg(name).arg(id.as_bytes().as_slice());
            writes.push(Request { slot, cmd });
            places.push(place);
        }
    }
    let answers = store.servers.write_each(&writes).await;
    for (place, answer) in places.into_iter().zip(answers) {
        if let Err(failure) = answer {
            led[place] = Err(failure);
        }
    }
    led
}

/// Lets ids go after so many seconds, if they still lead to these messages; keeps them after
/// all if it is 0. Failing at that costs some memory, nothing else.
pub(crate) async fn forget(store: &Inner, leads: &[(ReportKey, MessageId)], seconds: u32) {
    let requests = leads.iter().map(|(key, id)| {
        let name = store.keys.provider_id(key);
        Run::new(&store.scripts.forget, slot(&name), 1)
            .arg(name)
            .arg(id.as_bytes().as_slice())
            .arg(seconds)
            .request()
    });
    if let Err(failure) = store.servers.read(requests.collect()).await {
        tracing::debug!(%failure, "ids of providers stay that lead nowhere");
    }
}

pub(crate) async fn find(
    store: &Inner,
    keys: &[ReportKey],
) -> Result<Vec<Option<MessageId>>, Failure> {
    let names = keys.iter().map(|key| {
        let name = store.keys.provider_id(key);
        let slot = slot(&name);
        (name, slot)
    });
    let answers = read::strings(store, names.collect()).await?;
    let mut found = Vec::with_capacity(keys.len());
    for answer in answers {
        let bytes = value::bytes(answer, "a provider's id")?;
        let id = bytes.and_then(|bytes| bytes.try_into().ok());
        found.push(id.map(MessageId::from_bytes));
    }
    let ids: Vec<MessageId> = found.iter().flatten().copied().collect();
    let mut messages = read::load(store, &ids).await?.into_iter();
    let checked = found.into_iter().zip(keys).map(|(id, key)| {
        let message = id.and_then(|_| messages.next().flatten());
        let knows_it =
            message.is_some_and(|message| record::keys_of(&message.progress).any(|k| k == *key));
        id.filter(|_| knows_it)
    });
    Ok(checked.collect())
}
