//! Places in the order of acceptance.
//!
//! A message's row number is the millisecond in which it was accepted, times [`PER_MILLI`], plus
//! a count. So the table itself is in the order in which messages are listed, and no index is
//! needed for it: not for the newest, not for a range of time.

use rusqlite::{Connection, OptionalExtension};
use sms_core::Timestamp;

/// Places per millisecond. The latest time that can be written has 48 bits, and a row number 63.
const PER_MILLI: i64 = 1 << 15;

/// More messages than [`PER_MILLI`] in one millisecond take places of the next ones; of so many
/// milliseconds at most, which is 33 million messages.
const SPILL_MILLIS: i64 = 1_000;

/// The first place of a millisecond.
pub(crate) fn first(at: Timestamp) -> i64 {
    at.as_millis().clamp(0, Timestamp::MAX.as_millis()) * PER_MILLI
}

/// A place beyond all messages that were accepted before this time.
pub(crate) fn beyond(before: Timestamp) -> i64 {
    first(before) + SPILL_MILLIS * PER_MILLI
}

/// The next free place at or after a millisecond.
#[derive(Debug)]
pub(crate) struct Cursor {
    next: i64,
    /// Where the known free places end.
    end: i64,
}

impl Cursor {
    /// A cursor that has not looked yet.
    pub(crate) fn before(at: Timestamp) -> Self {
        let first = first(at);
        Self {
            next: first,
            end: first,
        }
    }

    pub(crate) fn next(&mut self, connection: &Connection) -> rusqlite::Result<i64> {
        while self.next == self.end {
            self.end += PER_MILLI;
            let last: Option<i64> = connection
                .prepare_cached(
                    "SELECT seq FROM message WHERE seq >= ?1 AND seq < ?2 ORDER BY seq DESC LIMIT 1",
                )?
                .query_row((self.next, self.end), |row| row.get(0))
                .optional()?;
            self.next = last.map_or(self.next, |last| last + 1);
        }
        let place = self.next;
        self.next += 1;
        Ok(place)
    }
}
