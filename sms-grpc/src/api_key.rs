//! API keys: how they look, how they are made, how they are kept.
//!
//! A key is `sms_`, 30 random characters and a checksum of 6, all base 62. The prefix and the
//! checksum let scanners find keys that were published by mistake, and tell a slip of the pen from
//! a key that was revoked. Configuration holds only the SHA-256 of a key: with 178 random bits in
//! it, that cannot be turned back.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use sms_core::{Entropy, Secret, TenantId};
use subtle::ConstantTimeEq;

const PREFIX: &str = "sms_";
/// 30 characters of base 62 hold 178 bits.
const RANDOM_LENGTH: usize = 30;
/// 62⁶ is the first power that holds 32 bits.
const CHECKSUM_LENGTH: usize = 6;
const BASE_62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A key that lets its bearer in.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// What the operator calls it; shown in logs.
    pub name: String,
    /// Whose messages it sends and sees.
    pub tenant: TenantId,
    /// The hash of the key.
    pub hash: KeyHash,
    /// What it may do.
    pub scopes: Scopes,
}

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scopes {
    /// Send messages and take them back.
    pub send: bool,
    /// See messages, numbers and texts included.
    pub read: bool,
}

impl Scopes {
    /// Everything.
    pub const ALL: Self = Self {
        send: true,
        read: true,
    };

    /// Whether it holds this one.
    #[must_use]
    pub const fn allow(self, scope: Scope) -> bool {
        match scope {
            Scope::Send => self.send,
            Scope::Read => self.read,
        }
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        let none = Self {
            send: false,
            read: false,
        };
        scopes.into_iter().fold(none, |scopes, scope| match scope {
            Scope::Send => Self {
                send: true,
                ..scopes
            },
            Scope::Read => Self {
                read: true,
                ..scopes
            },
        })
    }
}

/// One thing that a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Send messages and take them back.
    Send,
    /// See messages, numbers and texts included.
    Read,
}

impl Scope {
    /// The name, as in configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Read => "read",
        }
    }
}

/// The text names no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such scope: expected send or read")]
pub struct ScopeError;

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(name: &str) -> Result<Self, ScopeError> {
        match name {
            "send" => Ok(Self::Send),
            "read" => Ok(Self::Read),
            _ => Err(ScopeError),
        }
    }
}

/// The SHA-256 of a key; 64 hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyHash([u8; 32]);

/// The text is not the hash of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the hash of an API key: expected 64 hexadecimal digits, as `sms config key` prints them"
)]
pub struct KeyHashError;

impl KeyHash {
    /// The hash of a key.
    #[must_use]
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    /// Compares in a time that does not depend on where the two differ.
    fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl FromStr for KeyHash {
    type Err = KeyHashError;

    fn from_str(text: &str) -> Result<Self, KeyHashError> {
        if text.len() != 64 {
            return Err(KeyHashError);
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
            let [high, low] = [pair[0], pair[1]].map(|digit| char::from(digit).to_digit(16));
            let value = high.zip(low).map(|(high, low)| high * 16 + low);
            *byte = value
                .and_then(|value| u8::try_from(value).ok())
                .ok_or(KeyHashError)?;
        }
        Ok(Self(hash))
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(…)")
    }
}

/// A new key: the key itself for the client, the hash for the configuration.
#[derive(Debug)]
pub struct GeneratedKey {
    /// The key. It is shown once and kept nowhere.
    pub key: Secret,
    /// Its hash.
    pub hash: KeyHash,
}

/// The keys that let in.
#[derive(Debug, Clone, Default)]
pub struct ApiKeys(Vec<Arc<ApiKey>>);

impl ApiKeys {
    /// These keys.
    #[must_use]
    pub fn new(keys: Vec<ApiKey>) -> Self {
        Self(keys.into_iter().map(Arc::new).collect())
    }

    /// Makes a new key.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> GeneratedKey {
        let mut key = String::with_capacity(PREFIX.len() + RANDOM_LENGTH + CHECKSUM_LENGTH);
        key.push_str(PREFIX);
        key.extend(random_characters(entropy).take(RANDOM_LENGTH));
        let checksum = checksum(&key);
        key.extend(checksum);
        GeneratedKey {
            hash: KeyHash::of(&key),
            key: key.into(),
        }
    }

    /// Whether there are none: then nobody is asked for one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key whose bearer presented this text.
    pub(crate) fn find(&self, presented: &str) -> Option<&Arc<ApiKey>> {
        let hash = KeyHash::of(presented);
        // All are compared, so that the time does not tell which one it was.
        self.0
            .iter()
            .fold(None, |found, key| match key.hash.matches(&hash) {
                true => Some(key),
                false => found,
            })
    }

    /// Two keys with one hash, if there are any: then it is unclear whose it is.
    pub(crate) fn duplicate(&self) -> Option<(&ApiKey, &ApiKey)> {
        let keys = &self.0;
        keys.iter().enumerate().find_map(|(at, one)| {
            let mut others = keys[at + 1..].iter();
            let same = others.find(|other| other.hash == one.hash)?;
            Some((&**one, &**same))
        })
    }
}

/// Whether the text has the form of a key, checksum included.
pub(crate) fn is_well_formed(key: &str) -> bool {
    let length = PREFIX.len() + RANDOM_LENGTH;
    let is_key = key.is_ascii() && key.starts_with(PREFIX) && key.len() == length + CHECKSUM_LENGTH;
    is_key && checksum(&key[..length]).eq(key[length..].chars())
}

/// Evenly spread characters of base 62.
fn random_characters(entropy: &dyn Entropy) -> impl Iterator<Item = char> {
    std::iter::repeat_with(|| entropy.next_u64()).flat_map(|bits| {
        // Ten pieces of six bits; those beyond the alphabet are thrown away.
        (0..10).filter_map(move |piece| character((bits >> (6 * piece)) & 63))
    })
}

/// The first 32 bits of the SHA-256 in base 62.
fn checksum(text: &str) -> impl Iterator<Item = char> + use<> {
    let digest = Sha256::digest(text.as_bytes());
    let bits = u64::from(u32::from_be_bytes([
        digest[0], digest[1], digest[2], digest[3],
    ]));
    (0..CHECKSUM_LENGTH as u32).filter_map(move |place| character(bits / 62u64.pow(place) % 62))
}

fn character(value: u64) -> Option<char> {
    let index = usize::try_from(value).ok()?;
    BASE_62.get(index).copied().map(char::from)
}

#[cfg(test)]
mod tests {
    use sms_core::SystemEntropy;

    use super::*;

    fn api_key(name: &str, hash: KeyHash) -> ApiKey {
        ApiKey {
            name: name.into(),
            tenant: TenantId::default(),
            hash,
            scopes: Scopes::ALL,
        }
    }

    #[test]
    fn a_new_key_is_well_formed_and_found_by_itself_only() {
        let [ours, other] = [(), ()].map(|()| ApiKeys::generate(&SystemEntropy));
        let key = ours.key.expose();
        assert!(key.starts_with("sms_") && key.len() == 40, "{key}");
        assert!(is_well_formed(key));
        let keys = ApiKeys::new(vec![api_key("ours", ours.hash)]);
        assert!(keys.find(key).is_some());
        for wrong in [
            "",
            "sms_",
            &key[..39],
            other.key.expose(),
            &format!("{key} "),
        ] {
            assert!(keys.find(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_slip_of_the_pen_breaks_the_checksum() {
        let generated = ApiKeys::generate(&SystemEntropy);
        let key = generated.key.expose();
        for at in 0..key.len() {
            let mut slipped = key.as_bytes().to_vec();
            slipped[at] = if slipped[at] == b'x' { b'y' } else { b'x' };
            let slipped = String::from_utf8(slipped).unwrap();
            assert!(!is_well_formed(&slipped), "{at}");
        }
        assert!(!is_well_formed("sms_ключ"));
    }

    #[test]
    fn characters_are_spread_over_the_whole_alphabet() {
        let count = |wanted: char| {
            random_characters(&SystemEntropy)
                .take(62_000)
                .filter(|character| *character == wanted)
                .count()
        };
        // 1,000 expected, standard deviation 31: ten of them on either side.
        for wanted in ['0', 'A', 'z'] {
            assert!((690..1_310).contains(&count(wanted)), "{wanted}");
        }
    }

    #[test]
    fn a_hash_leads_back_to_itself_and_nothing_else_is_one() {
        let hash = KeyHash::of("sms_x");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!(hash.to_string().to_uppercase().parse(), Ok(hash));
        for text in ["", "00", &"g".repeat(64), &"0".repeat(65), &"é".repeat(32)] {
            assert_eq!(text.parse::<KeyHash>(), Err(KeyHashError), "{text}");
        }
    }

    #[test]
    fn two_keys_with_one_hash_are_found() {
        let [a, b] = ["a", "b"].map(KeyHash::of);
        let keys = |hashes: [KeyHash; 3]| ApiKeys::new(hashes.map(|h| api_key("k", h)).into());
        assert!(keys([a, b, a]).duplicate().is_some());
        assert!(keys([a, b, KeyHash::of("c")]).duplicate().is_none());
    }

    #[test]
    fn scopes_are_what_was_named() {
        let scopes = |names: &[&str]| -> Scopes {
            names
                .iter()
                .map(|name| name.parse::<Scope>().unwrap())
                .collect()
        };
        assert_eq!(scopes(&["send", "read"]), Scopes::ALL);
        assert!(scopes(&["send"]).allow(Scope::Send));
        assert!(!scopes(&["send"]).allow(Scope::Read));
        assert_eq!("admin".parse::<Scope>(), Err(ScopeError));
    }
}
