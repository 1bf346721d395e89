//! Committing changes by compare-and-set.

use sms_core::{Change, Committed};

use crate::error::Failure;
use crate::provider_ids;
use crate::row::Histories;
use crate::transaction::Writing;

/// A change, ready to be bound to the statement.
#[derive(Debug)]
pub(crate) struct ChangeRow {
    change: Change,
    histories: Histories,
}

impl ChangeRow {
    pub(crate) fn of(change: Change) -> Result<Self, Failure> {
        Ok(Self {
            histories: Histories::of(&change.after)?,
            change,
        })
    }
}

pub(crate) fn commit(
    writing: &mut Writing<'_>,
    rows: &[ChangeRow],
) -> Result<Vec<Committed>, Failure> {
    rows.iter().map(|row| commit_one(writing, row)).collect()
}

fn commit_one(writing: &mut Writing<'_>, row: &ChangeRow) -> Result<Committed, Failure> {
    let Change { before, after } = &row.change;
    let Some(seq) = writing.seq_of(before.id())? else {
        return Ok(Committed::Missing);
    };
    if !update(writing, seq, row)? {
        return Ok(Committed::Conflict(Box::new(writing.load(seq)?)));
    }
    let known = &before.progress.attempts;
    provider_ids::add(writing, seq, &after.attempts, known)?;
    if before.state() != after.state {
        writing.left(before.state());
        writing.entered(after.state);
    }
    Ok(Committed::Applied)
}

/// Whether the version was the one that the change was decided on. The state goes with it; it is
/// compared, too, because the counts depend on it.
fn update(writing: &mut Writing<'_>, seq: i64, row: &ChangeRow) -> rusqlite::Result<bool> {
    let Change { before, after } = &row.change;
    let sql = "UPDATE progress SET version = ?4, state = ?5, ready_at = ?6, deadline = ?7, \
         finished_at = ?8, ending = ?9, attempts = ?10, reports = ?11, timeline = ?12 \
         WHERE seq = ?1 AND version = ?2 AND state = ?3";
    let written = writing.statement(sql)?.execute(rusqlite::params![
        seq,
        before.progress.version.cast_signed(),
        before.state().as_str(),
        after.version.cast_signed(),
        after.state.as_str(),
        after.ready_at.map(|at| at.as_millis()),
        after.deadline.map(|at| at.as_millis()),
        after.finished_at().map(|at| at.as_millis()),
        after.ending.map(|state| state.as_str()),
        row.histories.attempts,
        row.histories.reports,
        row.histories.timeline,
    ])?;
    Ok(written > 0)
}
