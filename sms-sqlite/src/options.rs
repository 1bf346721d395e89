//! How a store is opened.

/// How a store is opened. The defaults suit a server that sends thousands of messages per second
/// and a laptop alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// How many bytes of the file each connection keeps in memory at most: 16 MiB. There is one
    /// connection that writes, one that lists, and [`read_connections`](Self::read_connections)
    /// that read the rest.
    pub cache_bytes: u32,
    /// How many calls may read at the same time, each on a thread of its own: 2. At least 1. Lists
    /// have a thread besides.
    pub read_connections: usize,
    /// How many bytes the file may grow to, its write-ahead log not counted; no limit if absent.
    /// When it is reached, nothing is written until finished messages are removed.
    pub max_bytes: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: 16 * 1024 * 1024,
            read_connections: 2,
            max_bytes: None,
        }
    }
}
