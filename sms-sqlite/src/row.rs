//! Messages as rows.

use std::sync::Arc;

use rusqlite::Row;
use rusqlite::types::FromSql;
use serde::de::value::{BorrowedStrDeserializer, Error as Refused};
use serde::{Deserialize, Serialize};
use sms_core::{
    Callback, Fingerprint, Message, MessageId, ParkedReport, Progress, ReportKey, Request,
    Timestamp,
};

use crate::error::Failure;

/// The columns that [`message`] reads, in its order.
pub(crate) const COLUMNS: &str = "m.id, m.tenant, m.recipient, m.sender, m.text, m.encoding, \
     m.segments, m.priority, m.on_unknown, m.route, m.callback, m.accepted_at, m.send_at, \
     m.expires_at, m.fingerprint, p.version, p.state, p.ready_at, p.deadline, p.ending, \
     p.attempts, p.reports, p.timeline";

/// Reads a message from a row of [`COLUMNS`].
pub(crate) fn message(row: &Row<'_>) -> Result<Message, Failure> {
    let mut columns = Columns::of(row)?;
    let id = columns.id.ok_or(Failure::Unreadable {
        column: "id",
        id: None,
    })?;
    let request = Request {
        id,
        tenant: columns.text("tenant")?,
        to: columns.text("recipient")?,
        from: columns.optional_text("sender")?,
        text: columns.text("text")?,
        encoding: columns.text("encoding")?,
        segments: columns.plain("segments")?,
        priority: columns.text("priority")?,
        on_unknown: columns.text("on_unknown")?,
        route: columns.text("route")?,
        callback: Callback::from_u128(u128::from_be_bytes(columns.plain("callback")?)),
        accepted_at: columns.time("accepted_at")?,
        send_at: columns.optional_time("send_at")?,
        expires_at: columns.time("expires_at")?,
        fingerprint: columns.plain::<Option<_>>("fingerprint")?.map(Fingerprint),
    };
    let progress = Progress {
        version: columns.plain::<i64>("version")?.cast_unsigned(),
        state: columns.text("state")?,
        ready_at: columns.optional_time("ready_at")?,
        deadline: columns.optional_time("deadline")?,
        ending: columns.optional_text("ending")?,
        attempts: columns.json("attempts")?,
        reports: columns.json("reports")?,
        timeline: columns.json("timeline")?,
    };
    Ok(Message {
        request: Arc::new(request),
        progress,
    })
}

/// Reads the columns of a row one after the other.
struct Columns<'row> {
    row: &'row Row<'row>,
    next: usize,
    id: Option<MessageId>,
}

impl<'row> Columns<'row> {
    /// Takes the id, which is the first, to name it in errors.
    fn of(row: &'row Row<'row>) -> Result<Self, Failure> {
        let mut columns = Self {
            row,
            next: 0,
            id: None,
        };
        columns.id = Some(MessageId::from_bytes(columns.plain("id")?));
        Ok(columns)
    }

    fn unreadable(&self, column: &'static str) -> Failure {
        Failure::Unreadable {
            column,
            id: self.id,
        }
    }

    fn plain<T: FromSql>(&mut self, column: &'static str) -> Result<T, Failure> {
        let value = self.row.get(self.next);
        self.next += 1;
        value.map_err(|_| self.unreadable(column))
    }

    fn time(&mut self, column: &'static str) -> Result<Timestamp, Failure> {
        self.plain(column).map(Timestamp::from_millis)
    }

    fn optional_time(&mut self, column: &'static str) -> Result<Option<Timestamp>, Failure> {
        let millis: Option<i64> = self.plain(column)?;
        Ok(millis.map(Timestamp::from_millis))
    }

    fn borrowed(&mut self, column: &'static str) -> Result<Option<&'row str>, Failure> {
        let value = self.row.get_ref(self.next);
        self.next += 1;
        value
            .ok()
            .and_then(|value| value.as_str_or_null().ok())
            .ok_or_else(|| self.unreadable(column))
    }

    fn optional_text<T: Deserialize<'row>>(
        &mut self,
        column: &'static str,
    ) -> Result<Option<T>, Failure> {
        let text = self.borrowed(column)?;
        let read = |text| T::deserialize(BorrowedStrDeserializer::<Refused>::new(text));
        text.map(read)
            .transpose()
            .map_err(|_| self.unreadable(column))
    }

    fn text<T: Deserialize<'row>>(&mut self, column: &'static str) -> Result<T, Failure> {
        self.optional_text(column)?
            .ok_or_else(|| self.unreadable(column))
    }

    fn json<T: Deserialize<'row>>(&mut self, column: &'static str) -> Result<T, Failure> {
        self.borrowed(column)?
            .and_then(|text| serde_json::from_str(text).ok())
            .ok_or_else(|| self.unreadable(column))
    }
}

/// The parts of a progress that are stored as JSON. Written by the caller's thread, because the
/// one that writes to the file is where calls queue up.
#[derive(Debug)]
pub(crate) struct Histories {
    pub(crate) attempts: String,
    pub(crate) reports: String,
    pub(crate) timeline: String,
}

impl Histories {
    pub(crate) fn of(progress: &Progress) -> Result<Self, Failure> {
        Ok(Self {
            attempts: json(&progress.attempts, "attempts")?,
            reports: json(&progress.reports, "reports")?,
            timeline: json(&progress.timeline, "timeline")?,
        })
    }
}

pub(crate) fn json(value: &impl Serialize, column: &'static str) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|_| Failure::Unwritable { column })
}

/// The columns that [`parked`] reads, in its order.
pub(crate) const PARKED_COLUMNS: &str = "provider, provider_id, look_again_at, report";

/// Reads a parked report from a row of [`PARKED_COLUMNS`].
pub(crate) fn parked(row: &Row<'_>) -> Result<ParkedReport, Failure> {
    let mut columns = Columns {
        row,
        next: 0,
        id: None,
    };
    Ok(ParkedReport {
        key: ReportKey {
            provider: columns.text("provider")?,
            provider_id: columns.text("provider_id")?,
        },
        look_again_at: columns.time("look_again_at")?,
        report: columns.json("report")?,
    })
}
