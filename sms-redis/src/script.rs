//! The scripts that run in the server, so that a step is done whole or not at all.

use redis::{Cmd, ToRedisArgs};

use crate::keys::Shard;
use crate::servers::Request;

const INSERT: &str = include_str!("insert.lua");
const COMMIT: &str = include_str!("commit.lua");
const REMOVE: &str = include_str!("remove.lua");
const PARK: &str = include_str!("park.lua");
const UNPARK: &str = include_str!("unpark.lua");
const FORGET: &str = include_str!("forget.lua");
const LIMIT: &str = include_str!("limit.lua");

/// All of them, to be loaded.
pub(crate) const SCRIPTS: [&str; 7] = [INSERT, COMMIT, REMOVE, PARK, UNPARK, FORGET, LIMIT];

/// The most items of one run of a script: the server does nothing else meanwhile, which is a few
/// milliseconds.
pub(crate) const ITEMS: usize = 128;

/// The scripts by the hashes that the server knows them by.
#[derive(Debug)]
pub(crate) struct Scripts {
    pub(crate) insert: String,
    pub(crate) commit: String,
    pub(crate) remove: String,
    pub(crate) park: String,
    pub(crate) unpark: String,
    pub(crate) forget: String,
    pub(crate) limit: String,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        let hash = |code| redis::Script::new(code).get_hash().to_owned();
        Self {
            insert: hash(INSERT),
            commit: hash(COMMIT),
            remove: hash(REMOVE),
            park: hash(PARK),
            unpark: hash(UNPARK),
            forget: hash(FORGET),
            limit: hash(LIMIT),
        }
    }
}

/// A run of a script: first the keys, then the arguments.
pub(crate) struct Run {
    slot: u16,
    cmd: Cmd,
}

impl Run {
    pub(crate) fn new(hash: &str, slot: u16, keys: usize) -> Self {
        let mut cmd = redis::cmd("EVALSHA");
        cmd.arg(hash).arg(keys);
        Self { slot, cmd }
    }

    /// A run over records of a shard.
    pub(crate) fn over_records(hash: &str, shard: &Shard, records: usize) -> Self {
        Self::new(hash, shard.slot, 5 + records)
            .arg(&shard.count)
            .arg(&shard.all)
            .arg(&shard.due)
            .arg(&shard.done)
            .arg(&shard.in_state)
    }

    pub(crate) fn arg(mut self, arg: impl ToRedisArgs) -> Self {
        self.cmd.arg(arg);
        self
    }

    pub(crate) fn push(&mut self, arg: impl ToRedisArgs) {
        self.cmd.arg(arg);
    }

    pub(crate) fn request(self) -> Request {
        Request {
            slot: self.slot,
            cmd: self.cmd,
        }
    }
}
