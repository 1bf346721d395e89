//! Giving pages that are no longer used back to the file system.

use rusqlite::Connection;

/// Free pages are kept for new messages up to this share of the file; only what is beyond goes
/// back. With a steady load the file keeps its size and nothing is moved.
const KEEP_ONE_IN: i64 = 4;

/// Pages given back at a time, 4 MiB, so that writing is not held up for long.
const STEP: i64 = 1_024;

/// Gives some free pages back if there are many. A failure costs room, nothing else.
pub(crate) fn give_back(connection: &Connection) {
    if let Err(error) = try_give_back(connection) {
        tracing::warn!(%error, "free pages could not be given back");
    }
}

fn try_give_back(connection: &Connection) -> rusqlite::Result<()> {
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get(0));
    let (free, all): (i64, i64) = (number("freelist_count")?, number("page_count")?);
    let surplus = free - all / KEEP_ONE_IN;
    if surplus <= 0 {
        return Ok(());
    }
    // Each row that the pragma yields is a page given back: all must be asked for.
    let pages = surplus.min(STEP);
    let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}
