//! How much a gateway keeps on disk: the evidence that it does keep messages there.

use std::{
    convert::Infallible,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Files and bytes below a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

impl Stored {
    /// Looks now. What cannot be read (a file just removed) counts for nothing.
    pub(crate) fn at(path: &Path) -> Self {
        let Ok(about) = fs::metadata(path) else {
            return Self::default();
        };
        if about.is_file() {
            return Self {
                files: 1,
                bytes: about.len(),
            };
        }
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        entries
            .map(|entry| Self::at(&entry.path()))
            .fold(Self::default(), |sum, one| Self {
                files: sum.files + one.files,
                bytes: sum.bytes + one.bytes,
            })
    }

    /// Looks at intervals until it is dropped or aborted, and keeps the most of each.
    pub(crate) async fn watch(path: PathBuf, most: &mut Self) -> Infallible {
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let now = Self::at(&path);
            most.files = most.files.max(now.files);
            most.bytes = most.bytes.max(now.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_in_folders_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("7")).unwrap();
        fs::write(folder.path().join("7/a"), "12").unwrap();
        fs::write(folder.path().join("b"), "345").unwrap();
        let expected = Stored { files: 2, bytes: 5 };
        assert_eq!(Stored::at(folder.path()), expected);
    }

    #[test]
    fn a_missing_path_holds_nothing() {
        assert_eq!(Stored::at(Path::new("/no/such/path")), Stored::default());
    }
}
