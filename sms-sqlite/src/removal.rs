//! Removing what was finished long ago.

use sms_core::{State, Timestamp};

use crate::error::Failure;
use crate::provider_ids;
use crate::transaction::Writing;

pub(crate) fn remove_finished(
    writing: &mut Writing<'_>,
    before: Timestamp,
    limit: i64,
) -> Result<usize, Failure> {
    let gone = finished(writing, before, limit)?;
    for (seq, state) in &gone {
        provider_ids::remove(writing, *seq)?;
        for sql in [
            "DELETE FROM progress WHERE seq = ?1",
            "DELETE FROM message WHERE seq = ?1",
        ] {
            writing.prepare(sql)?.execute([seq])?;
        }
        if let Some(state) = state {
            writing.left(*state);
        }
    }
    writing.removed(gone.len());
    Ok(gone.len())
}

/// Those that finished first; only a message that is final has the time of its end. A state that
/// cannot be read must not keep its message for ever, nor all that finished later.
fn finished(
    writing: &Writing<'_>,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<(i64, Option<State>)>, Failure> {
    let mut statement = writing.prepare(
        "SELECT seq, state FROM progress WHERE finished_at < ?1 ORDER BY finished_at LIMIT ?2",
    )?;
    let mut rows = statement.query((before.as_millis(), limit))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let state = row.get_ref(1)?.as_str().ok();
        found.push((row.get(0)?, state.and_then(|state| state.parse().ok())));
    }
    Ok(found)
}
