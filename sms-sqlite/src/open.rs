//! Opening the file: whose it is, in which format, and with which settings.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{OpenError, Options};

/// The format that this program writes.
pub(crate) const FORMAT: i32 = 1;

/// "sms1" in ASCII, in the header of the file: `file` and `sqlite3` show it.
const APPLICATION_ID: i32 = 0x736d_7331;

const SCHEMA: &str = include_str!("schema.sql");

/// To what the log is cut back after it has grown beyond, in bytes.
const LOG_BYTES: u32 = 64 * 1024 * 1024;

/// How long to wait for a person who writes to the file with a tool.
const BUSY_MILLIS: u32 = 5_000;

/// Statements kept prepared on each connection; there are about thirty, and some for lists.
const PREPARED: usize = 64;

/// The path without links, so that two spellings of it are one store. Makes the folder.
pub(crate) fn resolve(path: &Path) -> Result<PathBuf, OpenError> {
    let unwritable = |source| OpenError::Unwritable {
        path: path.to_owned(),
        source,
    };
    if let Ok(existing) = fs::canonicalize(path) {
        return Ok(existing);
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(unwritable)?;
    let name = path
        .file_name()
        .ok_or_else(|| unwritable(std::io::ErrorKind::IsADirectory.into()))?;
    Ok(fs::canonicalize(folder).map_err(unwritable)?.join(name))
}

/// Opens the connection that writes; creates the store if the file is new or empty.
pub(crate) fn writer(path: &Path, options: &Options) -> Result<Connection, OpenError> {
    let wrong = |error| explain(path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(wrong)?;
    match examine(&connection).map_err(wrong)? {
        Found::Nothing => {
            // Before the first page is written, or it has no effect.
            set(&connection, "auto_vacuum", "incremental").map_err(wrong)?;
            configure(&connection, options).map_err(wrong)?;
            create(&mut connection).map_err(wrong)?;
        }
        Found::Ours(found) if found > FORMAT => {
            return Err(OpenError::NewerFormat {
                path: path.to_owned(),
                found,
                known: FORMAT,
            });
        }
        Found::Ours(_) => configure(&connection, options).map_err(wrong)?,
        Found::Foreign => {
            return Err(OpenError::NotOurs {
                path: path.to_owned(),
            });
        }
    }
    Ok(connection)
}

/// Opens a connection that only reads. The one that writes must be open.
pub(crate) fn reader(path: &Path, options: &Options) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        share(&connection, options)?;
        Ok(connection)
    };
    open().map_err(|error| explain(path, error))
}

/// Opens the connection that copies the log into the file. The one that writes must be open.
pub(crate) fn checkpointer(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        // As the connection that writes: the log must not be forgotten before the file is on the
        // disk.
        set(&connection, "synchronous", "full")?;
        set(&connection, "wal_autocheckpoint", 0)?;
        Ok(connection)
    };
    open().map_err(|error| explain(path, error))
}

enum Found {
    Nothing,
    Ours(i32),
    Foreign,
}

/// Looks without changing anything.
fn examine(connection: &Connection) -> rusqlite::Result<Found> {
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get(0));
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (number("application_id")?, objects) {
        (APPLICATION_ID, _) => Found::Ours(number("user_version")?),
        (0, 0) => Found::Nothing,
        _ => Found::Foreign,
    })
}

fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(SCHEMA)?;
    for state in sms_core::State::ALL {
        transaction.execute("INSERT INTO state_count VALUES (?1, 0)", [state.as_str()])?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.commit()
}

fn configure(connection: &Connection, options: &Options) -> rusqlite::Result<()> {
    set(connection, "journal_mode", "wal")?;
    // Every commit is on the disk before it is confirmed; "normal" would lose the latest ones
    // when the power fails.
    set(connection, "synchronous", "full")?;
    // A thread of its own does that: see `checkpoint.rs`.
    set(connection, "wal_autocheckpoint", 0)?;
    set(connection, "journal_size_limit", LOG_BYTES)?;
    share(connection, options)?;
    if let Some(bytes) = options.max_bytes {
        let page: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = u32::try_from(bytes / u64::from(page.max(1))).unwrap_or(u32::MAX);
        set(connection, "max_page_count", pages.max(1))?;
    }
    Ok(())
}

/// What holds for connections that read, too.
fn share(connection: &Connection, options: &Options) -> rusqlite::Result<()> {
    set(connection, "busy_timeout", BUSY_MILLIS)?;
    // A negative size counts in KiB.
    set(
        connection,
        "cache_size",
        -i64::from(options.cache_bytes / 1024),
    )?;
    set(connection, "temp_store", "memory")?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    Ok(())
}

/// Some pragmas answer with a row, some do not.
fn set(connection: &Connection, name: &str, value: impl rusqlite::ToSql) -> rusqlite::Result<()> {
    connection.pragma_update(None, name, value)
}

pub(crate) fn explain(path: &Path, error: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotOurs { path },
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::DiskFull) => {
            OpenError::Unwritable {
                path,
                source: std::io::Error::other(error),
            }
        }
        Some(ErrorCode::DatabaseCorrupt) | None => OpenError::Damaged {
            path,
            source: error.into(),
        },
        Some(_) => OpenError::Failed {
            path,
            source: error.into(),
        },
    }
}
