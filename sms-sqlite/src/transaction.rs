//! A transaction under way: what its calls share.

use std::collections::HashMap;

use rusqlite::{CachedStatement, OptionalExtension, Transaction};
use sms_core::{Message, MessageId, State, Timestamp};

use crate::buckets::Buckets;
use crate::error::Failure;
use crate::row;
use crate::seq::Cursor;

/// A transaction under way, and what is to be written at its end.
pub(crate) struct Writing<'connection> {
    transaction: &'connection Transaction<'connection>,
    /// The statements that are run for each item, so that they need not be looked up for each.
    statements: Vec<(&'static str, CachedStatement<'connection>)>,
    /// How the number of messages in each state changes: one update per state at the end,
    /// instead of two per message.
    counts: [i64; State::ALL.len()],
    /// Where the next message of a millisecond goes. Only for this transaction, so that a
    /// rollback leaves nothing wrong.
    cursors: HashMap<Timestamp, Cursor>,
    effects: Effects,
}

/// What is to be known once the transaction is committed.
#[derive(Debug)]
pub(crate) struct Effects {
    /// How the number of parked reports changes.
    pub(crate) parked: i64,
    /// How many messages were removed.
    pub(crate) removed: usize,
    /// Where the next transaction goes on.
    pub(crate) buckets: Buckets,
}

impl<'connection> Writing<'connection> {
    pub(crate) fn new(
        transaction: &'connection Transaction<'connection>,
        buckets: Buckets,
    ) -> Self {
        Self {
            transaction,
            statements: Vec::new(),
            counts: [0; State::ALL.len()],
            cursors: HashMap::new(),
            effects: Effects {
                parked: 0,
                removed: 0,
                buckets,
            },
        }
    }

    pub(crate) fn prepare(&self, sql: &str) -> rusqlite::Result<CachedStatement<'connection>> {
        self.transaction.prepare_cached(sql)
    }

    /// A statement that is run for each item of a call.
    pub(crate) fn statement(
        &mut self,
        sql: &'static str,
    ) -> rusqlite::Result<&mut CachedStatement<'connection>> {
        // There are a handful, each known by where its text is.
        let known = |(other, _): &(&'static str, _)| std::ptr::eq(*other, sql);
        let at = match self.statements.iter().position(known) {
            Some(at) => at,
            None => {
                let statement = self.transaction.prepare_cached(sql)?;
                self.statements.push((sql, statement));
                self.statements.len() - 1
            }
        };
        Ok(&mut self.statements[at].1)
    }

    pub(crate) fn entered(&mut self, state: State) {
        self.counts[state as usize] += 1;
    }

    pub(crate) fn left(&mut self, state: State) {
        self.counts[state as usize] -= 1;
    }

    pub(crate) fn parked(&mut self, more: i64) {
        self.effects.parked += more;
    }

    pub(crate) fn removed(&mut self, more: usize) {
        self.effects.removed += more;
    }

    /// The place of a new message in the order of acceptance.
    pub(crate) fn next_seq(&mut self, accepted_at: Timestamp) -> rusqlite::Result<i64> {
        let cursor = self
            .cursors
            .entry(accepted_at)
            .or_insert_with(|| Cursor::before(accepted_at));
        cursor.next(self.transaction)
    }

    /// The bucket of a new message.
    pub(crate) fn next_bucket(&mut self) -> i64 {
        self.effects.buckets.next()
    }

    /// Where the message with this id is.
    pub(crate) fn seq_of(&mut self, id: MessageId) -> rusqlite::Result<Option<i64>> {
        self.statement("SELECT seq FROM message WHERE id = ?1")?
            .query_row([id.as_bytes()], |row| row.get(0))
            .optional()
    }

    /// The message at this place, which must be there.
    pub(crate) fn load(&self, seq: i64) -> Result<Message, Failure> {
        let sql = format!(
            "SELECT {} FROM message AS m JOIN progress AS p ON p.seq = m.seq WHERE m.seq = ?1",
            row::COLUMNS
        );
        let mut statement = self.prepare(&sql)?;
        let mut rows = statement.query([seq])?;
        let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        row::message(row)
    }

    /// Writes what was gathered.
    pub(crate) fn finish(self) -> rusqlite::Result<Effects> {
        let sql = "UPDATE state_count SET count = count + ?2 WHERE state = ?1";
        for (state, change) in State::ALL.into_iter().zip(self.counts) {
            if change != 0 {
                self.prepare(sql)?.execute((state.as_str(), change))?;
            }
        }
        Ok(self.effects)
    }
}
