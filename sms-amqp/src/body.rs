//! A hint as bytes.
//!
//! One byte for the version, then 16 bytes for each message id. Route and priority are not in
//! it: they are the name of the queue.

use sms_core::MessageId;

const VERSION: u8 = 1;
const ID_BYTES: usize = 16;

/// The bytes do not make a hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body is empty")]
    Empty,
    #[error("the body is of version {0}, which this release cannot read")]
    Version(u8),
    #[error("the body has {0} bytes, which is no whole number of message ids")]
    Length(usize),
}

pub(crate) fn encode(ids: &[MessageId]) -> Vec<u8> {
    let mut body = Vec::with_capacity(1 + ids.len() * ID_BYTES);
    body.push(VERSION);
    for id in ids {
        body.extend_from_slice(id.as_bytes());
    }
    body
}

pub(crate) fn decode(body: &[u8]) -> Result<Vec<MessageId>, BodyError> {
    let (version, ids) = body.split_first().ok_or(BodyError::Empty)?;
    if *version != VERSION {
        return Err(BodyError::Version(*version));
    }
    let (ids, rest) = ids.as_chunks::<ID_BYTES>();
    if ids.is_empty() || !rest.is_empty() {
        return Err(BodyError::Length(body.len()));
    }
    Ok(ids.iter().copied().map(MessageId::from_bytes).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(text: &str) -> MessageId {
        text.parse().unwrap()
    }

    /// Hints of an older release may wait in the broker: these bytes must be read for ever.
    #[test]
    fn version_1_is_a_byte_and_sixteen_for_each_id() {
        let ids = [
            id("018f4e9a-7c1b-7abc-8def-0123456789ab"),
            id("ffffffff-ffff-8fff-bfff-ffffffffff00"),
        ];
        let golden = b"\x01\
            \x01\x8f\x4e\x9a\x7c\x1b\x7a\xbc\x8d\xef\x01\x23\x45\x67\x89\xab\
            \xff\xff\xff\xff\xff\xff\x8f\xff\xbf\xff\xff\xff\xff\xff\xff\x00";
        assert_eq!(encode(&ids), golden);
        assert_eq!(decode(golden).unwrap(), ids);
    }

    #[test]
    fn what_is_no_hint_is_refused_with_the_reason() {
        for (body, error) in [
            (&b""[..], BodyError::Empty),
            (&b"\x01"[..], BodyError::Length(1)),
            (&b"\x010123456789abcde"[..], BodyError::Length(16)),
            (&b"\x010123456789abcdef0"[..], BodyError::Length(18)),
            (&b"\x020123456789abcdef"[..], BodyError::Version(2)),
            (&b"{\"id\": 1}"[..], BodyError::Version(b'{')),
        ] {
            assert_eq!(decode(body), Err(error), "{body:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(ids in proptest::collection::vec(any::<[u8; 16]>(), 1..100)) {
            let ids: Vec<MessageId> = ids.into_iter().map(MessageId::from_bytes).collect();
            prop_assert_eq!(decode(&encode(&ids)).unwrap(), ids);
        }

        #[test]
        fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&body);
        }
    }
}
