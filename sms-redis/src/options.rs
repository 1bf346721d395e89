//! How a store is opened.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use sms_core::Secret;

/// How a store is opened. Usually read from a URL:
///
/// ```
/// use sms_redis::Options;
///
/// let options: Options = "redis://:secret@db.internal:6379/0?timeout=2s".parse()?;
/// assert_eq!(options.timeout.as_secs(), 2);
/// let cluster: Options = "redis+cluster://a:6379,b:6379,c:6379?wait_replicas=1".parse()?;
/// assert_eq!(cluster.wait_replicas, 1);
/// # Ok::<(), sms_redis::ConnectError>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// Where the servers are.
    pub place: Place,
    /// Whether connections are encrypted.
    pub tls: bool,
    /// Certificates in PEM form that are trusted besides those of the system.
    pub ca_file: Option<PathBuf>,
    /// The user of the server's access control list.
    pub user: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// What every key begins with: `sms`. 1 to 32 of `A-Z a-z 0-9 . _ : -`.
    pub prefix: String,
    /// The longest that a call takes, the wait for a connection included: 3 s.
    pub timeout: Duration,
    /// Over how many shards a new store spreads its messages: 16 in a cluster, which uses at most
    /// so many masters, and 1 on one server, where more only cost. From 1 to 256; a store that
    /// exists keeps the number it was made with.
    pub shards: u16,
    /// How many replicas must confirm a write before it is answered, and before what was read of a
    /// message is: 0. With it, a failover to a replica that confirmed loses nothing.
    pub wait_replicas: u32,
    /// Opens a store even if the server drops keys when its memory is full.
    pub dangerously_allow_eviction: bool,
    /// Opens a store even if the server keeps no append-only file: a restart may lose everything.
    pub dangerously_allow_no_append_only_file: bool,
    /// Opens a store even if the server does not write to disk before it answers: a crash may
    /// lose the last second or more.
    pub dangerously_allow_late_fsync: bool,
    /// Opens a store even if the server does not let its settings be checked.
    pub dangerously_allow_unchecked_settings: bool,
}

/// Where the servers are. Addresses are `host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// One server, or an address that always leads to the master.
    Single {
        /// Its address.
        address: String,
        /// The number of the database.
        database: u16,
    },
    /// A Redis Cluster.
    Cluster {
        /// Some of its nodes; the others are found.
        seeds: Vec<String>,
    },
    /// A master that sentinels know.
    Sentinel {
        /// The sentinels.
        sentinels: Vec<String>,
        /// The name that they call it by.
        master: String,
        /// The number of the database.
        database: u16,
    },
}

impl Options {
    /// The usual options.
    #[must_use]
    pub fn new(place: Place) -> Self {
        let shards = match place {
            Place::Cluster { .. } => 16,
            Place::Single { .. } | Place::Sentinel { .. } => 1,
        };
        Self {
            place,
            shards,
            tls: false,
            ca_file: None,
            user: None,
            password: None,
            prefix: "sms".to_owned(),
            timeout: Duration::from_secs(3),
            wait_replicas: 0,
            dangerously_allow_eviction: false,
            dangerously_allow_no_append_only_file: false,
            dangerously_allow_late_fsync: false,
            dangerously_allow_unchecked_settings: false,
        }
    }

    pub(crate) fn database(&self) -> u16 {
        match self.place {
            Place::Single { database, .. } | Place::Sentinel { database, .. } => database,
            Place::Cluster { .. } => 0,
        }
    }
}

/// The addresses.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Single { address, .. } => f.write_str(address),
            Self::Cluster { seeds } => f.write_str(&seeds.join(",")),
            Self::Sentinel {
                sentinels, master, ..
            } => write!(f, "{}/{master}", sentinels.join(",")),
        }
    }
}

/// The password does not show.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("place", &self.place)
            .field("tls", &self.tls)
            .field("user", &self.user)
            .field("password", &self.password)
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .field("wait_replicas", &self.wait_replicas)
            .finish_non_exhaustive()
    }
}
