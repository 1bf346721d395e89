//! The scripts that run in the server, so that a step is done whole or not at all.

use redis::{Cmd, ToRedisArgs};
use sms_core::MessageId;

use crate::place::Batch;
use crate::servers::Request;
use crate::store::Inner;

const INSERT: &str = include_str!("insert.lua");
const COMMIT: &str = include_str!("commit.lua");
const LOAD: &str = include_str!("load.lua");
const MISSING: &str = include_str!("missing.lua");
const REMOVE: &str = include_str!("remove.lua");
const PARK: &str = include_str!("park.lua");
const UNPARK: &str = include_str!("unpark.lua");
const FORGET: &str = include_str!("forget.lua");
const LIMIT: &str = include_str!("limit.lua");

/// All of them, to be loaded.
pub(crate) const SCRIPTS: [&str; 9] = [
    INSERT, COMMIT, LOAD, MISSING, REMOVE, PARK, UNPARK, FORGET, LIMIT,
];

/// The most items of one run of a script: the server does nothing else meanwhile, which is a few
/// milliseconds.
pub(crate) const ITEMS: usize = 128;

/// The scripts by the hashes that the server knows them by.
#[derive(Debug)]
pub(crate) struct Scripts {
    pub(crate) insert: String,
    pub(crate) commit: String,
    pub(crate) load: String,
    pub(crate) missing: String,
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
            load: hash(LOAD),
            missing: hash(MISSING),
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

    /// A run over records, with their number as the first argument.
    ///
    /// The scripts find the other keys by themselves. In a cluster those of the shard are named
    /// all the same: a slot that is on the move has some of them here and some there, and then
    /// the server refuses the run as long as a key that it names is missing. One always is: the
    /// beginning of the names of indexes by state.
    pub(crate) fn over_records(
        store: &Inner,
        hash: &str,
        batch: &Batch<'_>,
        id: impl Fn(usize) -> MessageId,
    ) -> Self {
        let shard = batch.shard;
        let of_shard: &[&String] = if store.servers.is_one() {
            &[]
        } else {
            let in_state = &shard.in_state;
            &[&shard.count, &shard.all, &shard.due, &shard.done, in_state]
        };
        let records = batch.places.len();
        let mut run = Self::new(hash, shard.slot, records + of_shard.len());
        for place in &batch.places {
            let (name, _) = store.keys.record(id(*place));
            run.push(name);
        }
        run.arg(of_shard).arg(records)
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
