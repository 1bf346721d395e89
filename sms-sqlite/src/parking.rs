//! Reports whose message is not known yet.

use rusqlite::{Connection, Params};
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
        if row::parked(row)?.report.repeats(&parked.report) {
            numbers.push(row.get(4)?);
        }
    }
    Ok(numbers)
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
        found.append(&mut select(connection, condition, key)?);
    }
    Ok(found)
}

pub(crate) fn due(
    connection: &Connection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<ParkedReport>, Failure> {
    let condition = "look_again_at <= ?1 ORDER BY look_again_at, number LIMIT ?2";
    select(connection, condition, (now.as_millis(), limit))
}

fn select(
    connection: &Connection,
    condition: &str,
    values: impl Params,
) -> Result<Vec<ParkedReport>, Failure> {
    let sql = format!("SELECT {PARKED_COLUMNS} FROM parked WHERE {condition}");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(values)?;
    let mut reports = Vec::new();
    while let Some(row) = rows.next()? {
        reports.push(row::parked(row)?);
    }
    Ok(reports)
}
