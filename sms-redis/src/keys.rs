//! The names of the keys.
//!
//! | key | type | what |
//! |---|---|---|
//! | `sms:{TAG}ID` | string | the record of a message; ID is 16 bytes |
//! | `sms:{TAG}:all` | sorted set | every message by the time of acceptance |
//! | `sms:{TAG}:due` | sorted set | unfinished messages by deadline |
//! | `sms:{TAG}:done` | sorted set | finished messages by when they finished |
//! | `sms:{TAG}:in:LETTER` | sorted set | messages in an unusual state by the time of acceptance |
//! | `sms:{TAG}:count` | hash | how many messages are in each state |
//! | `sms:{TAG}:early:PROVIDER/ID` | hash | reports that wait for their message |
//! | `sms:{TAG}:again` | sorted set | these reports by when to look again |
//! | `sms:{TAG}:parked` | string | counts them, for their order |
//! | `sms:p:DIGEST` | string | the message of a provider's id |
//! | `sms:limit:PROVIDER` | string | until when the throughput is used up, in microseconds |
//! | `sms:meta` | hash | format and number of shards |
//!
//! In a cluster what one script touches has one TAG, so that it lies in one slot. Where one server
//! has all slots a script takes messages of any shards, and counts all of them in the first one's
//! `count`: only the sum over all shards tells how many there are.

use sha2::{Digest, Sha256};
use sms_core::{MessageId, ProviderName, ReportKey, State};

use crate::code;
use crate::slot::{SLOTS, slot};

/// The keys of one store.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    prefix: String,
    shards: Vec<Shard>,
}

/// The keys of one shard.
#[derive(Debug, Clone)]
pub(crate) struct Shard {
    /// Prefix and tag. An id follows at once, a name behind a colon, which no id begins with.
    base: String,
    /// The slot of all its keys.
    pub(crate) slot: u16,
    pub(crate) all: String,
    pub(crate) due: String,
    pub(crate) done: String,
    pub(crate) count: String,
    pub(crate) again: String,
    pub(crate) parked: String,
    /// What the letter of a state is put behind.
    pub(crate) in_state: String,
}

impl Keys {
    pub(crate) fn new(prefix: &str, shards: u16) -> Self {
        let shards = tags(shards).into_iter().map(|tag| Shard::new(prefix, &tag));
        Self {
            shards: shards.collect(),
            prefix: prefix.to_owned(),
        }
    }

    pub(crate) fn meta(prefix: &str) -> String {
        format!("{prefix}:meta")
    }

    pub(crate) fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// Which shard keeps a message.
    pub(crate) fn shard_of(&self, id: MessageId) -> usize {
        self.place(id.as_u128())
    }

    /// Which shard keeps the early reports under a key.
    pub(crate) fn shard_of_key(&self, key: &ReportKey) -> usize {
        self.place(u128::from_be_bytes(digest(key)))
    }

    /// The last bits of an id, as those of a digest, are mixed from all others.
    fn place(&self, bits: u128) -> usize {
        let shard = bits % self.shards.len() as u128;
        usize::try_from(shard).unwrap_or(0)
    }

    /// The record of a message, and its slot.
    pub(crate) fn record(&self, id: MessageId) -> (Vec<u8>, u16) {
        let shard = &self.shards[self.shard_of(id)];
        (shard.record(id), shard.slot)
    }

    /// Where a provider's id leads to its message. A digest is shorter than most ids; who looks
    /// it up compares with the message anyway.
    pub(crate) fn provider_id(&self, key: &ReportKey) -> Vec<u8> {
        let mut name = format!("{}:p:", self.prefix).into_bytes();
        name.extend(digest(key));
        name
    }

    pub(crate) fn limit(prefix: &str, provider: &ProviderName) -> String {
        format!("{prefix}:limit:{provider}")
    }
}

impl Shard {
    fn new(prefix: &str, tag: &str) -> Self {
        let base = format!("{prefix}:{{{tag}}}");
        let key = |name: &str| format!("{base}:{name}");
        Self {
            slot: slot(base.as_bytes()),
            all: key("all"),
            due: key("due"),
            done: key("done"),
            count: key("count"),
            again: key("again"),
            parked: key("parked"),
            in_state: key("in:"),
            base,
        }
    }

    pub(crate) fn record(&self, id: MessageId) -> Vec<u8> {
        let mut name = Vec::with_capacity(self.base.len() + 16);
        name.extend_from_slice(self.base.as_bytes());
        name.extend_from_slice(id.as_bytes());
        name
    }

    /// The index of an unusual state.
    pub(crate) fn rare(&self, state: State) -> String {
        format!("{}{}", self.in_state, char::from(code::letter(state)))
    }

    /// The early reports under a key.
    pub(crate) fn early(&self, key: &ReportKey) -> String {
        self.early_named(&early_name(key))
    }

    /// The same from the name alone.
    pub(crate) fn early_named(&self, name: &str) -> String {
        format!("{}:early:{name}", self.base)
    }
}

/// A key in one text. A provider's name has no slash.
pub(crate) fn early_name(key: &ReportKey) -> String {
    format!("{}/{}", key.provider, key.provider_id)
}

fn digest(key: &ReportKey) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(key.provider.as_str().as_bytes());
    hash.update([0]);
    hash.update(key.provider_id.as_str().as_bytes());
    let whole = hash.finalize();
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}

/// One tag for each shard, each in its own part of the slots: masters have contiguous slots, so
/// the shards spread over them evenly. The first short tag that lies right is taken, always the
/// same.
fn tags(shards: u16) -> Vec<String> {
    let mut tags = vec![None; usize::from(shards)];
    let mut missing = tags.len();
    for number in 0_u32.. {
        if missing == 0 {
            break;
        }
        let tag = format!("{number:x}");
        let part = u32::from(slot(tag.as_bytes())) * u32::from(shards) / u32::from(SLOTS);
        if let Some(place @ None) = usize::try_from(part).ok().and_then(|at| tags.get_mut(at)) {
            *place = Some(tag);
            missing -= 1;
        }
    }
    tags.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_never_change() {
        // Another tag would hide every message of its shard.
        assert_eq!(
            tags(16).join(" "),
            "10 3 1a b 11 2 1d c 12 1 1c d 13 0 1b a"
        );
        assert_eq!(tags(1), ["0"]);
        assert_eq!(tags(256).len(), 256);
    }

    #[test]
    fn shards_spread_over_the_slots() {
        for shards in [1, 2, 3, 16, 64, 256] {
            let keys = Keys::new("sms", shards);
            assert_eq!(keys.shards().len(), usize::from(shards));
            for (place, shard) in keys.shards().iter().enumerate() {
                let part = usize::from(shard.slot) * usize::from(shards) / usize::from(SLOTS);
                assert_eq!(part, place);
            }
        }
    }

    #[test]
    fn all_keys_of_a_shard_are_in_its_slot() {
        let key = ReportKey {
            provider: "main".parse().unwrap(),
            provider_id: "{other}".parse().unwrap(),
        };
        for shard in Keys::new("my:sms", 16).shards() {
            let id = MessageId::from_bytes(*b"{16 bytes, {}! }");
            let names = [&shard.all, &shard.due, &shard.done, &shard.count];
            for name in names.into_iter().chain([&shard.again, &shard.parked]) {
                assert_eq!(slot(name.as_bytes()), shard.slot, "{name}");
            }
            assert_eq!(slot(&shard.record(id)), shard.slot);
            assert_eq!(slot(shard.rare(State::Failed).as_bytes()), shard.slot);
            assert_eq!(slot(shard.early(&key).as_bytes()), shard.slot);
        }
    }
}
