//! Storing new messages.

use sms_core::{Inserted, Message};

use crate::error::Failure;
use crate::provider_ids;
use crate::row::Histories;
use crate::transaction::Writing;

/// A new message, ready to be bound to the statements.
#[derive(Debug)]
pub(crate) struct NewRow {
    message: Message,
    histories: Histories,
}

impl NewRow {
    pub(crate) fn of(message: Message) -> Result<Self, Failure> {
        Ok(Self {
            histories: Histories::of(&message.progress)?,
            message,
        })
    }
}

pub(crate) fn insert(writing: &mut Writing<'_>, rows: &[NewRow]) -> Result<Vec<Inserted>, Failure> {
    rows.iter().map(|row| insert_one(writing, row)).collect()
}

fn insert_one(writing: &mut Writing<'_>, row: &NewRow) -> Result<Inserted, Failure> {
    let message = &row.message;
    let seq = writing.next_seq(message.request.accepted_at)?;
    if !insert_request(writing, seq, row)? {
        let taken = writing.seq_of(message.id())?;
        let taken = taken.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        return Ok(Inserted::Exists(Box::new(writing.load(taken)?)));
    }
    insert_progress(writing, seq, row)?;
    provider_ids::add(writing, seq, &message.progress.attempts, &[])?;
    writing.entered(message.state());
    Ok(Inserted::Created)
}

/// Whether the id was free.
fn insert_request(writing: &mut Writing<'_>, seq: i64, row: &NewRow) -> rusqlite::Result<bool> {
    let bucket = writing.next_bucket();
    let request = &row.message.request;
    let sql = "INSERT INTO message VALUES \
         (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17) \
         ON CONFLICT (id) DO NOTHING";
    let written = writing.statement(sql)?.execute(rusqlite::params![
        seq,
        bucket,
        request.id.as_bytes(),
        request.tenant.as_str(),
        request.to.e164().as_str(),
        request.from.map(|from| from.text()).as_deref(),
        request.text.as_str(),
        request.encoding.as_str(),
        request.segments,
        request.priority.as_str(),
        request.on_unknown.as_str(),
        request.route.as_str(),
        request.callback.expose_u128().to_be_bytes(),
        request.accepted_at.as_millis(),
        request.send_at.map(|at| at.as_millis()),
        request.expires_at.as_millis(),
        request.fingerprint.map(|fingerprint| fingerprint.0),
    ])?;
    Ok(written > 0)
}

fn insert_progress(writing: &mut Writing<'_>, seq: i64, row: &NewRow) -> rusqlite::Result<()> {
    let progress = &row.message.progress;
    let sql = "INSERT INTO progress VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    writing.statement(sql)?.execute(rusqlite::params![
        seq,
        progress.version.cast_signed(),
        progress.state.as_str(),
        progress.ready_at.map(|at| at.as_millis()),
        progress.deadline.map(|at| at.as_millis()),
        progress.finished_at().map(|at| at.as_millis()),
        progress.ending.map(|state| state.as_str()),
        row.histories.attempts,
        row.histories.reports,
        row.histories.timeline,
    ])?;
    Ok(())
}
