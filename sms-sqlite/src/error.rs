//! What can go wrong, in this crate's words and in those of the port.

use std::path::PathBuf;
use std::sync::Arc;
use std::{fmt, io};

use rusqlite::ErrorCode;
use sms_core::{MessageId, StoreError, StoreErrorKind};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// A file could not be opened as a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A later release of this program wrote the file.
    #[error(
        "{} has format {found}, and this program knows formats up to {known}: use the release \
         that wrote it, or a later one", .path.display()
    )]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// The format that the file has.
        found: i32,
        /// The latest format that this program knows.
        known: i32,
    },
    /// The file is something else. It was not changed.
    #[error("{} is not a store of messages: give another path, or move the file away", .path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// Another process has the store open, or this one has it open twice.
    #[error("{} is in use by {}: one process at a time may open it", .path.display(), Holder(.holder))]
    Locked {
        /// The file.
        path: PathBuf,
        /// The id of the process that has it open, if that can be told.
        holder: Option<u32>,
    },
    /// The file or its folder cannot be created or written.
    #[error("{} cannot be written: check that the folder exists, has room and may be written", .path.display())]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is a store, but what is in it cannot be read.
    #[error("{} is damaged: restore a backup, or recover it with `sqlite3 FILE .recover`", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: Source,
    },
    /// SQLite could not open the file for another reason.
    #[error("{} could not be opened", .path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: Source,
    },
}

struct Holder<'a>(&'a Option<u32>);

impl fmt::Display for Holder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(process) => write!(f, "process {process}"),
            None => f.write_str("another process"),
        }
    }
}

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// SQLite said so. Its messages name tables and columns, never values.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A column does not hold what it should. What it holds may be personal, so it is not told.
    #[error("column {column} of message {id:?} cannot be read")]
    Unreadable {
        column: &'static str,
        id: Option<MessageId>,
    },
    /// A value cannot be written as JSON; no value of these types is such.
    #[error("column {column} cannot be written")]
    Unwritable { column: &'static str },
    /// A page token that this store did not make.
    #[error("the page token is not one of this store")]
    PageToken,
    /// The thread that does the work has ended.
    #[error("the store is closed")]
    Closed,
}

impl Failure {
    fn kind(&self) -> StoreErrorKind {
        match self {
            Self::Sqlite(rusqlite::Error::SqliteFailure(error, _)) => kind_of(error.code),
            Self::Sqlite(_) | Self::Unreadable { .. } => StoreErrorKind::Corrupt,
            Self::Unwritable { .. } | Self::PageToken => StoreErrorKind::Invalid,
            Self::Closed => StoreErrorKind::Unavailable,
        }
    }

    /// As the port says it; `doing` completes "the store could not …".
    pub(crate) fn during(self: Arc<Self>, doing: &'static str) -> StoreError {
        StoreError::new(self.kind(), doing).because(self)
    }
}

/// Full disks, failing disks and locks pass; a damaged file does not.
fn kind_of(code: ErrorCode) -> StoreErrorKind {
    match code {
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreErrorKind::Corrupt,
        ErrorCode::ConstraintViolation
        | ErrorCode::TypeMismatch
        | ErrorCode::TooBig
        | ErrorCode::ApiMisuse
        | ErrorCode::ParameterOutOfRange => StoreErrorKind::Invalid,
        _ => StoreErrorKind::Unavailable,
    }
}
