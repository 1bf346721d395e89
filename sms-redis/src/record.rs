//! The record of a message: one string.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | format, 1 |
//! | 8 | version, most significant byte first |
//! | 1 | state, a letter |
//! | 4 | length of the request, most significant byte first |
//! | … | [request], never written again |
//! | … | [progress], written anew with every change |
//!
//! The scripts read the first four, so a change of them is a new format.

use sms_core::{Message, MessageId, Progress, ReportKey, Timestamp};

use crate::bytes::{Decoder, Unreadable};
use crate::{code, progress, request};

const FORMAT: u8 = 1;

/// A new record.
pub(crate) fn encode(message: &Message) -> Vec<u8> {
    let request = request::encode(&message.request);
    let progress = progress::encode(&message.progress);
    let mut record = Vec::with_capacity(14 + request.len() + progress.len());
    record.extend(head(&message.progress));
    // A text has at most some 100 kB.
    let length = u32::try_from(request.len()).unwrap_or(u32::MAX);
    record.extend(length.to_be_bytes());
    record.extend(request);
    record.extend(progress);
    record
}

/// What a record of this version begins with.
pub(crate) fn version(version: u64) -> [u8; 9] {
    let mut bytes = [FORMAT; 9];
    bytes[1..].copy_from_slice(&version.to_be_bytes());
    bytes
}

/// The same and the state.
pub(crate) fn head(progress: &Progress) -> [u8; 10] {
    let mut bytes = [code::letter(progress.state); 10];
    bytes[..9].copy_from_slice(&version(progress.version));
    bytes
}

/// The message in a record.
pub(crate) fn decode(id: MessageId, record: &[u8]) -> Result<Message, Unreadable> {
    let mut from = Decoder(record);
    match from.byte("the header")? {
        FORMAT => {}
        newer => return Err(Unreadable::NewerFormat(newer)),
    }
    let version = u64::from_be_bytes(from.array("the header")?);
    let state = code::state_of(from.byte("the header")?)?;
    let length = u32::from_be_bytes(from.array("the header")?);
    let length = usize::try_from(length).map_err(|_| Unreadable::Part("the header"))?;
    let request = request::decode(id, from.raw(length, "the request")?)?;
    let progress = progress::decode(version, state, from.0)?;
    Ok(Message { request, progress })
}

/// A time as the scripts take it: milliseconds, or nothing.
pub(crate) fn millis(at: Option<Timestamp>) -> String {
    at.map_or_else(String::new, |at| at.as_millis().to_string())
}

/// The provider ids by which a message is found: those of its attempts, and those that its
/// reports named before an answer named another.
pub(crate) fn keys_of(progress: &Progress) -> impl Iterator<Item = ReportKey> + '_ {
    let attempts = progress.attempts.iter();
    let of_attempts = attempts.map(|one| (&one.provider, &one.provider_id));
    let reports = progress.reports.iter();
    let of_reports = reports.map(|one| (&one.provider, &one.provider_id));
    of_attempts.chain(of_reports).filter_map(|(provider, id)| {
        Some(ReportKey {
            provider: provider.clone(),
            provider_id: id.clone()?,
        })
    })
}

#[cfg(test)]
mod tests;
