//! The ids that providers gave to messages.

use rusqlite::{Connection, OptionalExtension};
use sms_core::{Attempt, MessageId, ProviderId, ProviderName, Report, ReportKey};

use crate::error::Failure;
use crate::transaction::Writing;

/// Makes the ids of a message's attempts lead to it, but for those that did before.
pub(crate) fn add(
    writing: &mut Writing<'_>,
    seq: i64,
    attempts: &[Attempt],
    known: &[Attempt],
) -> rusqlite::Result<()> {
    // A provider that starts to count anew gives an old id to a new message: that is the one
    // whose reports are to come.
    let sql = "INSERT INTO provider_id VALUES (?1, ?2, ?3) \
         ON CONFLICT (provider, provider_id) DO UPDATE SET seq = excluded.seq";
    for attempt in attempts {
        let Some(provider_id) = &attempt.provider_id else {
            continue;
        };
        let same = |other: &Attempt| {
            other.provider_id.as_ref() == Some(provider_id) && other.provider == attempt.provider
        };
        if !known.iter().any(same) {
            let provider = attempt.provider.as_str();
            writing
                .statement(sql)?
                .execute((provider, provider_id.as_str(), seq))?;
        }
    }
    Ok(())
}

/// Forgets every id that leads to the message at this place: those of its attempts, and those
/// that its reports named before an answer named another.
pub(crate) fn remove(writing: &Writing<'_>, seq: i64) -> Result<(), Failure> {
    let (attempts, reports): (String, String) = writing
        .prepare("SELECT attempts, reports FROM progress WHERE seq = ?1")?
        .query_row([seq], |row| Ok((row.get(0)?, row.get(1)?)))?;
    // What cannot be read must not keep the message for ever.
    let attempts: Vec<Attempt> = serde_json::from_str(&attempts).unwrap_or_default();
    let reports: Vec<Report> = serde_json::from_str(&reports).unwrap_or_default();
    let of_attempts = attempts.iter().map(|one| (&one.provider, &one.provider_id));
    let of_reports = reports.iter().map(|one| (&one.provider, &one.provider_id));
    for (provider, provider_id) in of_attempts.chain(of_reports) {
        if let Some(provider_id) = provider_id {
            remove_one(writing, seq, provider, provider_id)?;
        }
    }
    Ok(())
}

/// Only if it still leads to this message.
fn remove_one(
    writing: &Writing<'_>,
    seq: i64,
    provider: &ProviderName,
    provider_id: &ProviderId,
) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM provider_id WHERE provider = ?1 AND provider_id = ?2 AND seq = ?3";
    writing
        .prepare(sql)?
        .execute((provider.as_str(), provider_id.as_str(), seq))
}

pub(crate) fn find(
    connection: &Connection,
    keys: &[ReportKey],
) -> Result<Vec<Option<MessageId>>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT m.id FROM provider_id AS i JOIN message AS m ON m.seq = i.seq \
         WHERE i.provider = ?1 AND i.provider_id = ?2",
    )?;
    let mut find_one = |key: &ReportKey| {
        let key = (key.provider.as_str(), key.provider_id.as_str());
        let id = statement.query_row(key, |row| row.get(0)).optional()?;
        Ok(id.map(MessageId::from_bytes))
    };
    keys.iter().map(&mut find_one).collect()
}
