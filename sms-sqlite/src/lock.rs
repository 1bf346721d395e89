//! One process at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use crate::OpenError;

/// Holds a lock on a file next to the store, as long as it lives. The operating system gives the
/// lock back when the process ends, however it ends; the file stays, and means nothing.
///
/// SQLite has locks of its own, which let several processes take turns. This store keeps facts
/// about the file in memory, so turns are not enough.
#[derive(Debug)]
pub(crate) struct FileLock {
    _file: File,
}

impl FileLock {
    pub(crate) fn take(store: &Path) -> Result<Self, OpenError> {
        let path = beside(store, "-lock");
        let unwritable = |source| OpenError::Unwritable {
            path: path.clone(),
            source,
        };
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(unwritable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::Locked {
                    path: store.to_owned(),
                    holder: holder(&mut file),
                });
            }
            Err(TryLockError::Error(source)) => return Err(unwritable(source)),
        }
        // For whoever is refused. The lock counts, whether this is written or not.
        let _ = file
            .set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// The path of a companion file, named as SQLite names its own: `sms.db-wal`.
fn beside(store: &Path, suffix: &str) -> PathBuf {
    let mut path = store.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}
