//! Reading by id, by deadline, and the counts.

use rusqlite::{Connection, OptionalExtension};
use sms_core::{Message, MessageId, StateCounts, Timestamp};

use crate::error::Failure;
use crate::row;

pub(crate) fn load(
    connection: &Connection,
    ids: &[MessageId],
) -> Result<Vec<Option<Message>>, Failure> {
    let sql = format!(
        "SELECT {} FROM message AS m JOIN progress AS p ON p.seq = m.seq WHERE m.id = ?1",
        row::COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut messages = Vec::with_capacity(ids.len());
    for id in ids {
        let mut rows = statement.query([id.as_bytes()])?;
        messages.push(rows.next()?.map(row::message).transpose()?);
    }
    Ok(messages)
}

pub(crate) fn due(
    connection: &Connection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<MessageId>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT m.id FROM progress AS p INDEXED BY progress_deadline \
         CROSS JOIN message AS m ON m.seq = p.seq \
         WHERE p.deadline <= ?1 ORDER BY p.deadline LIMIT ?2",
    )?;
    let ids = statement.query_map((now.as_millis(), limit), |row| row.get(0))?;
    ids.map(|id| Ok(MessageId::from_bytes(id?))).collect()
}

pub(crate) fn next_deadline(connection: &Connection) -> Result<Option<Timestamp>, Failure> {
    let deadline = connection
        .prepare_cached(
            "SELECT deadline FROM progress WHERE deadline IS NOT NULL ORDER BY deadline LIMIT 1",
        )?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(deadline.map(Timestamp::from_millis))
}

pub(crate) fn count(connection: &Connection) -> Result<StateCounts, Failure> {
    let mut statement = connection.prepare_cached("SELECT state, count FROM state_count")?;
    let mut rows = statement.query([])?;
    let mut counts = StateCounts::default();
    while let Some(row) = rows.next()? {
        let unreadable = || Failure::Unreadable {
            column: "state_count",
            id: None,
        };
        let state = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        let count: i64 = row.get(1)?;
        let state = state.parse().map_err(|_| unreadable())?;
        counts.set(state, count.try_into().map_err(|_| unreadable())?);
    }
    Ok(counts)
}
