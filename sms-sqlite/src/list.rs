//! Listing by filter and page.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use sms_core::{ListFilter, Message, Page, PageToken, State, StateCounts, TenantId};

use crate::error::Failure;
use crate::{read, row, seq};

/// The condition of the index `progress_unusual`, word by word: SQLite uses the index only for
/// a query that says the same.
const UNUSUAL: &str = "p.state <> 'queued' AND p.state <> 'sending' AND p.state <> 'sent' \
     AND p.state <> 'delivered'";

/// Where a list is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// All messages, one after the other, until there are enough that fit.
    All,
    /// The index of recipients, in each of its buckets; sorted.
    Recipient,
    /// The index of tenants other than the default one.
    Tenant,
    /// The index of unusual states, at one of them.
    Unusual(State),
    /// The index of deadlines, which every open message has; all of it, and sorted.
    Open,
}

/// Reads one page in one snapshot.
pub(crate) fn list(
    connection: &mut Connection,
    filter: &ListFilter,
    after: Option<&PageToken>,
    size: usize,
) -> Result<Page, Failure> {
    let below = after.map_or(Ok(i64::MAX), place_of)?;
    if size == 0 {
        return Ok(Page::default());
    }
    let snapshot = connection.transaction()?;
    let counts = read::count(&snapshot)?;
    let mut found = Vec::new();
    for source in sources(filter, &counts, size) {
        let one_more = size.saturating_add(1);
        found.append(&mut select(&snapshot, source, filter, below, one_more)?);
    }
    found.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
    let more = found.len() > size;
    found.truncate(size);
    let last = found.last().map(|(place, _)| token_of(*place));
    Ok(Page {
        messages: found.into_iter().map(|(_, message)| message).collect(),
        next: last.filter(|_| more),
    })
}

/// A page goes on below the last place that was shown.
fn token_of(place: i64) -> PageToken {
    PageToken(format!("below-{place}"))
}

fn place_of(token: &PageToken) -> Result<i64, Failure> {
    let digits = token.0.strip_prefix("below-");
    digits
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .ok_or(Failure::PageToken)
}

/// The cheapest places to look; what they give together is what fits, and nothing twice.
fn sources(filter: &ListFilter, counts: &StateCounts, size: usize) -> Vec<Source> {
    let mut states = filter.states.clone();
    states.sort();
    states.dedup();
    states.retain(|state| counts.get(*state) > 0);
    if states.is_empty() && !filter.states.is_empty() {
        return Vec::new();
    }
    if filter.to.is_some() {
        return vec![Source::Recipient];
    }
    if !states.is_empty() && states.iter().all(|state| is_unusual(*state)) {
        return states.into_iter().map(Source::Unusual).collect();
    }
    if filter
        .tenant
        .as_ref()
        .is_some_and(|tenant| *tenant != TenantId::default())
    {
        return vec![Source::Tenant];
    }
    if is_rare_and_open(&states, counts, size) {
        return vec![Source::Open];
    }
    vec![Source::All]
}

fn is_unusual(state: State) -> bool {
    !matches!(
        state,
        State::Queued | State::Sending | State::Sent | State::Delivered
    )
}

/// Whether sorting all open messages takes less than meeting enough that fit among all: if they
/// are spread evenly, one in `total / fitting` fits.
fn is_rare_and_open(states: &[State], counts: &StateCounts, size: usize) -> bool {
    let open: u64 = counts
        .iter()
        .filter(|(state, _)| !state.is_final())
        .map(|(_, count)| count)
        .sum();
    let fitting: u64 = states.iter().map(|state| counts.get(*state)).sum();
    let wanted = fitting.min(u64::try_from(size).unwrap_or(u64::MAX));
    let all_open = !states.is_empty() && states.iter().all(|state| !state.is_final());
    all_open && open < counts.total() / fitting.max(1) * wanted
}

fn select(
    connection: &Connection,
    source: Source,
    filter: &ListFilter,
    below: i64,
    limit: usize,
) -> Result<Vec<(i64, Message)>, Failure> {
    let query = Query::of(source, filter, below, limit);
    let mut statement = connection.prepare_cached(&query.sql())?;
    let mut rows = statement.query(params_from_iter(&query.values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((row.get("seq")?, row::message(row)?));
    }
    Ok(found)
}

/// A query under construction.
struct Query {
    tables: &'static str,
    /// The table that is read in order.
    outer: char,
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Query {
    fn of(source: Source, filter: &ListFilter, below: i64, limit: usize) -> Self {
        let (tables, outer, condition) = plan(source);
        let mut query = Self {
            tables,
            outer,
            conditions: Vec::new(),
            values: Vec::new(),
        };
        // The limit is the first value, the place the second.
        query
            .values
            .push(i64::try_from(limit).unwrap_or(i64::MAX).into());
        query.and(format!("{outer}.seq < ?"), below);
        query.conditions.extend(condition.map(String::from));
        if let Source::Unusual(state) = source {
            query.and("p.state = ?".into(), state.as_str().to_owned());
        } else if !filter.states.is_empty() {
            query.and_in_states(&filter.states);
        }
        query.and_request(filter);
        query
    }

    /// The places bound what is read; the time itself decides, because a crowded millisecond
    /// takes places of the next ones.
    fn and_request(&mut self, filter: &ListFilter) {
        if let Some(tenant) = &filter.tenant {
            self.and("m.tenant = ?".into(), tenant.as_str().to_owned());
        }
        if let Some(to) = filter.to {
            self.and("m.recipient = ?".into(), to.e164().as_str().to_owned());
        }
        if let Some(from) = filter.accepted_from {
            self.and(format!("{}.seq >= ?", self.outer), seq::first(from));
            self.and("m.accepted_at >= ?".into(), from.as_millis());
        }
        if let Some(before) = filter.accepted_before {
            self.and(format!("{}.seq < ?", self.outer), seq::beyond(before));
            self.and("m.accepted_at < ?".into(), before.as_millis());
        }
    }

    fn and_in_states(&mut self, states: &[State]) {
        let quoted: Vec<String> = states.iter().map(|state| format!("'{state}'")).collect();
        self.conditions
            .push(format!("p.state IN ({})", quoted.join(", ")));
    }

    /// Adds a condition on a value, which takes the next number.
    fn and(&mut self, condition: String, value: impl Into<Value>) {
        self.values.push(value.into());
        let number = self.values.len();
        self.conditions
            .push(condition.replace('?', &format!("?{number}")));
    }

    fn sql(&self) -> String {
        let Self { tables, outer, .. } = self;
        let conditions = self.conditions.join(" AND ");
        format!(
            "SELECT {}, m.seq AS seq FROM {tables} WHERE {conditions} \
             ORDER BY {outer}.seq DESC LIMIT ?1",
            row::COLUMNS
        )
    }
}

/// The tables in the order in which they are to be read, the one that leads, and what makes the
/// index fit. SQLite would often choose the same, but only with statistics that it does not have.
fn plan(source: Source) -> (&'static str, char, Option<&'static str>) {
    match source {
        Source::All => (
            "message AS m NOT INDEXED CROSS JOIN progress AS p ON p.seq = m.seq",
            'm',
            None,
        ),
        Source::Recipient => (
            "(WITH RECURSIVE every (bucket) AS (SELECT min(bucket) FROM message UNION ALL \
             SELECT bucket + 1 FROM every WHERE bucket < (SELECT max(bucket) FROM message)) \
             SELECT bucket FROM every) AS b \
             CROSS JOIN message AS m INDEXED BY message_recipient ON m.bucket = b.bucket \
             CROSS JOIN progress AS p ON p.seq = m.seq",
            'm',
            None,
        ),
        Source::Tenant => (
            "message AS m INDEXED BY message_tenant CROSS JOIN progress AS p ON p.seq = m.seq",
            'm',
            Some("m.tenant <> 'default'"),
        ),
        Source::Unusual(_) => (
            "progress AS p INDEXED BY progress_unusual CROSS JOIN message AS m ON m.seq = p.seq",
            'p',
            Some(UNUSUAL),
        ),
        Source::Open => (
            "progress AS p INDEXED BY progress_deadline CROSS JOIN message AS m ON m.seq = p.seq",
            'p',
            Some("p.deadline IS NOT NULL"),
        ),
    }
}

#[cfg(test)]
mod tests;
