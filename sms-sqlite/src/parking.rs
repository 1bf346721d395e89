//! Reports whose message is not known yet.

use rusqlite::{Connection, Params, Row};
use sms_core::{ParkedReport, ReportKey, Timestamp};

use crate::error::Failure;
use crate::row::{self, PARKED_COLUMNS};
use crate::transaction::Writing;

pub(crate) fn park(writing: &mut Writing<'_>, reports: &[ParkedReport]) -> Result<(), Failure> {
    unpark(writing, reports)?;
    for (at, parked) in reports.iter().enumerate() {
        // Of repeats in one call the last one counts, as of repeats in several.
        if !reports[at + 1..]
            .iter()
            .any(|later| replaces(later, parked))
        {
            insert(writing, parked)?;
        }
    }
    Ok(())
}

fn replaces(later: &ParkedReport, earlier: &ParkedReport) -> bool {
    later.key == earlier.key && later.report.repeats(&earlier.report)
}

fn insert(writing: &mut Writing<'_>, parked: &ParkedReport) -> Result<(), Failure> {
    let report = row::json(&parked.report, "report")?;
    let sql = "INSERT INTO parked (provider, provider_id, look_again_at, report) \
         VALUES (?1, ?2, ?3, ?4)";
    writing.prepare(sql)?.execute((
        parked.key.provider.as_str(),
        parked.key.provider_id.as_str(),
        parked.look_again_at.as_millis(),
        report,
    ))?;
    writing.parked(1);
    Ok(())
}

/// Removes what these reports repeat.
pub(crate) fn unpark(writing: &mut Writing<'_>, reports: &[ParkedReport]) -> Result<(), Failure> {
    for parked in reports {
        for number in repeated(writing, parked)? {
            writing
                .prepare("DELETE FROM parked WHERE number = ?1")?
                .execute([number])?;
            writing.parked(-1);
        }
    }
    Ok(())
}

fn repeated(writing: &Writing<'_>, parked: &ParkedReport) -> Result<Vec<i64>, Failure> {
    let sql = format!(
        "SELECT {PARKED_COLUMNS}, number FROM parked WHERE provider = ?1 AND provider_id = ?2"
    );
    let mut statement = writing.prepare(&sql)?;
    let key = &parked.key;
    let mut rows = statement.query((key.provider.as_str(), key.provider_id.as_str()))?;
    let mut numbers = Vec::new();
    while let Some(row) = rows.next()? {
        // What cannot be read must not keep others from being parked under the same key.
        if readable(row)?.is_some_and(|earlier| earlier.report.repeats(&parked.report)) {
            numbers.push(row.get(4)?);
        }
    }
    Ok(numbers)
}

/// The report in a row; none if it cannot be read.
fn readable(row: &Row<'_>) -> Result<Option<ParkedReport>, Failure> {
    match row::parked(row) {
        Ok(parked) => Ok(Some(parked)),
        Err(Failure::Unreadable { .. }) => Ok(None),
        Err(failure) => Err(failure),
    }
}

pub(crate) fn count(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT count(*) FROM parked", [], |row| row.get(0))
}

pub(crate) fn parked(
    connection: &Connection,
    keys: &[ReportKey],
) -> Result<Vec<ParkedReport>, Failure> {
    let mut found = Vec::new();
    for key in keys {
        let key = (key.provider.as_str(), key.provider_id.as_str());
        let condition = "provider = ?1 AND provider_id = ?2 ORDER BY number";
        found.append(&mut select(connection, condition, key, usize::MAX)?.reports);
    }
    Ok(found)
}

/// Parked reports, and how many more there were that cannot be read.
pub(crate) struct Found {
    pub(crate) reports: Vec<ParkedReport>,
    pub(crate) unreadable: usize,
}

pub(crate) fn due(connection: &Connection, now: Timestamp, limit: usize) -> Result<Found, Failure> {
    let condition = "look_again_at <= ?1 ORDER BY look_again_at, number";
    select(connection, condition, [now.as_millis()], limit)
}

/// The limit is none of the query: what cannot be read must not take the place of the others.
fn select(
    connection: &Connection,
    condition: &str,
    values: impl Params,
    limit: usize,
) -> Result<Found, Failure> {
    let sql = format!("SELECT {PARKED_COLUMNS} FROM parked WHERE {condition}");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(values)?;
    let mut found = Found {
        reports: Vec::new(),
        unreadable: 0,
    };
    while found.reports.len() < limit {
        let Some(row) = rows.next()? else { break };
        match readable(row)? {
            Some(parked) => found.reports.push(parked),
            None => found.unreadable += 1,
        }
    }
    Ok(found)
}
