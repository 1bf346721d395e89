//! The id of a message, and the 16 characters that stand for it at a provider.
//!
//! An id is a UUID that carries 96 bits of its own; the other 26 free bits are computed from
//! them. So the id and its [`Reference`] are two spellings of one value, and a report that names
//! the reference leads to its message without an index.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{Entropy, IdempotencyKey, TenantId, Timestamp};

const LOW_48: u64 = (1 << 48) - 1;
const LOW_36: u64 = (1 << 36) - 1;
const LOW_26: u64 = (1 << 26) - 1;
/// Set in the upper 48 bits of an id that was derived from a key; clear in one made from the
/// time, until the year 6429.
const DERIVED: u64 = 1 << 47;

/// The id of a message: a UUID, of version 7 (ordered by time) or, where the client gave an
/// idempotency key, of version 8 (derived from the key).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(Uuid);

/// The text is not a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a message id: expected a UUID such as 018f4e9a-7c1b-7abc-8def-0123456789ab")]
pub struct MessageIdError;

impl MessageId {
    /// A new id, ordered by time to the millisecond.
    pub fn generate(now: Timestamp, entropy: &dyn Entropy) -> Self {
        let millis = u64::try_from(now.as_millis()).unwrap_or(0) & (DERIVED - 1);
        Self::assemble(millis, entropy.next_u64() & LOW_48)
    }

    /// The id that belongs to an idempotency key of a tenant: always the same one.
    #[must_use]
    pub fn derive(tenant: &TenantId, key: &IdempotencyKey) -> Self {
        let mut hash = Sha256::new();
        hash.update(tenant.as_str().as_bytes());
        // A tenant's name never holds a NUL, so no two pairs run together.
        hash.update([0]);
        hash.update(key.as_str().as_bytes());
        let digest = hash.finalize();
        let word = |at: usize| {
            digest[at..at + 6]
                .iter()
                .fold(0, |word, byte| (word << 8) | u64::from(*byte))
        };
        Self::assemble(word(0) | DERIVED, word(6))
    }

    /// The id as 16 bytes, most significant first.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id that these 16 bytes spell.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The id as one number.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0.as_u128()
    }

    /// The short spelling of this id.
    #[must_use]
    pub fn reference(self) -> Reference {
        let (high, low) = self.parts();
        let mut text = [0; Reference::LENGTH];
        for (at, character) in text.iter_mut().enumerate() {
            let half = if at < 8 { high } else { low };
            let shift = 42 - 6 * (at % 8);
            *character = ALPHABET[usize::try_from((half >> shift) & 63).unwrap_or(0)];
        }
        Reference(text)
    }

    fn assemble(high: u64, low: u64) -> Self {
        let version: u64 = if high & DERIVED == 0 { 7 } else { 8 };
        let upper = (high << 16) | (version << 12) | (low >> 36);
        let lower = (0b10 << 62) | ((low & LOW_36) << 26) | check_bits(high, low);
        Self(Uuid::from_u64_pair(upper, lower))
    }

    fn parts(self) -> (u64, u64) {
        let (upper, lower) = self.0.as_u64_pair();
        let low = ((upper & 0xFFF) << 36) | ((lower >> 26) & LOW_36);
        (upper >> 16, low)
    }
}

/// The bits of an id that carry nothing of their own.
fn check_bits(high: u64, low: u64) -> u64 {
    // The finishing steps of SplitMix64: every input bit reaches every output bit.
    let mut mixed = high.rotate_left(16) ^ low;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) & LOW_26
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MessageId {
    type Err = MessageIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text.trim())
            .map(Self)
            .map_err(|_| MessageIdError)
    }
}

/// A UUID in text formats, 16 bytes in binary ones.
impl Serialize for MessageId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_bytes(self.as_bytes())
        }
    }
}

impl<'de> Deserialize<'de> for MessageId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = MessageId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a UUID, as text or as 16 bytes")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<MessageId, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<MessageId, E> {
                let bytes = bytes
                    .try_into()
                    .map_err(|_| E::invalid_length(bytes.len(), &self))?;
                Ok(MessageId::from_bytes(bytes))
            }
        }
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(Visitor)
        } else {
            deserializer.deserialize_bytes(Visitor)
        }
    }
}

/// The alphabet of RFC 4648 section 5, which every provider's client id takes.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What a provider is told to call a message: the id in 16 characters of `[A-Za-z0-9_-]`, the
/// same on every attempt.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reference([u8; Reference::LENGTH]);

/// The text is not a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a reference: expected 16 characters of A-Z, a-z, 0-9, _ and -")]
pub struct ReferenceError;

impl Reference {
    /// Characters in a reference: the longest client id that MegaFon takes.
    pub const LENGTH: usize = 16;

    /// The reference as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // The alphabet is ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The id that this reference stands for.
    #[must_use]
    pub fn id(self) -> MessageId {
        let half = |half: &[u8]| {
            half.iter()
                .fold(0, |bits, character| (bits << 6) | value_of(*character))
        };
        MessageId::assemble(half(&self.0[..8]), half(&self.0[8..]))
    }
}

fn value_of(character: u8) -> u64 {
    match character {
        b'A'..=b'Z' => u64::from(character - b'A'),
        b'a'..=b'z' => u64::from(character - b'a') + 26,
        b'0'..=b'9' => u64::from(character - b'0') + 52,
        b'-' => 62,
        _ => 63,
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes: [u8; Self::LENGTH] = text.as_bytes().try_into().map_err(|_| ReferenceError)?;
        if bytes.iter().all(|byte| ALPHABET.contains(byte)) {
            Ok(Self(bytes))
        } else {
            Err(ReferenceError)
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::SystemEntropy;

    fn tenant(name: &str) -> TenantId {
        name.parse().unwrap()
    }

    #[test]
    fn ids_made_from_the_time_are_version_7_and_ordered() {
        let early = MessageId::generate(Timestamp::from_millis(1_000), &SystemEntropy);
        let late = MessageId::generate(Timestamp::from_millis(1_001), &SystemEntropy);
        assert!(early < late);
        assert_eq!(early.0.get_version_num(), 7);
    }

    #[test]
    fn a_key_always_gives_the_same_id_and_tenants_do_not_share_keys() {
        let key: IdempotencyKey = "order-17".parse().unwrap();
        let id = MessageId::derive(&tenant("a"), &key);
        assert_eq!(id, MessageId::derive(&tenant("a"), &key));
        assert_ne!(id, MessageId::derive(&tenant("b"), &key));
        assert_eq!(id.0.get_version_num(), 8);
        assert_eq!(id.0.get_variant(), uuid::Variant::RFC4122);
    }

    #[test]
    fn a_derived_id_has_its_reference_too() {
        let id = MessageId::derive(&tenant("a"), &"k".parse().unwrap());
        assert_eq!(id.reference().id(), id);
    }

    #[test]
    fn a_reference_of_another_length_or_alphabet_is_refused() {
        for text in [
            "",
            "0123456789ABCDE",
            "0123456789ABCDEFG",
            "0123456789ABCDE:",
        ] {
            assert_eq!(text.parse::<Reference>(), Err(ReferenceError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn id_and_reference_spell_the_same_value(millis in 0..Timestamp::MAX.as_millis()) {
            let id = MessageId::generate(Timestamp::from_millis(millis), &SystemEntropy);
            let text = id.reference().to_string();
            prop_assert_eq!(text.parse::<Reference>().unwrap().id(), id);
            prop_assert_eq!(id.to_string().parse::<MessageId>().unwrap(), id);
        }

        #[test]
        fn every_reference_leads_to_an_id_that_leads_back(text in "[A-Za-z0-9_-]{16}") {
            let reference: Reference = text.parse().unwrap();
            prop_assert_eq!(reference.id().reference(), reference);
        }
    }
}
