//! Buckets of the index of recipients.
//!
//! Numbers come in no order, so an index of them alone would be changed in another place by each
//! message: a whole page of it written to the log, and again to the file, for each. The index has
//! a bucket in front, which counts the messages by the [`SIZE`]; so what changes is the few pages
//! of the latest bucket. To look a number up takes a step in each bucket: at ten million messages
//! five thousand steps, some milliseconds.

use rusqlite::Connection;

/// Messages in a bucket: about fifteen pages.
const SIZE: u32 = 2_048;

/// Gives buckets to new messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Buckets {
    current: i64,
    room: u32,
}

impl Buckets {
    /// Starts a new bucket after those in the file.
    pub(crate) fn open(connection: &Connection) -> rusqlite::Result<Self> {
        let last: Option<i64> =
            connection.query_row("SELECT max(bucket) FROM message", [], |row| row.get(0))?;
        Ok(Self {
            current: last.unwrap_or(0) + 1,
            room: SIZE,
        })
    }

    /// The bucket of the next message.
    pub(crate) fn next(&mut self) -> i64 {
        if self.room == 0 {
            self.current += 1;
            self.room = SIZE;
        }
        self.room -= 1;
        self.current
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_bucket_is_followed_by_the_next() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(include_str!("schema.sql"))
            .unwrap();
        let mut buckets = Buckets::open(&connection).unwrap();
        let given: Vec<i64> = (0..=SIZE).map(|_| buckets.next()).collect();
        assert!(given[..2_048].iter().all(|bucket| *bucket == 1));
        assert_eq!(given[2_048], 2);
    }
}
