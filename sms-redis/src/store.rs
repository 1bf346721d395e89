//! The store.

use std::sync::Arc;

use async_trait::async_trait;
use redis::Value;
use sms_core::{
    Change, Committed, Inserted, ListFilter, Message, MessageId, Page, PageToken, ParkedReport,
    ReportKey, StateCounts, Store, StoreError, Timestamp,
};

use crate::dial::Dialer;
use crate::error::{ConnectError, Failure};
use crate::keys::{Keys, Shard};
use crate::limiter::RedisLimiter;
use crate::script::Scripts;
use crate::servers::{Request, Servers};
use crate::slot::slot;
use crate::{
    Health, Options, commit, deadlines, durability, insert, list, parking, provider_ids, read,
    removal, value,
};

/// The format of what is stored. A later release that stores something else counts it up.
const FORMAT: i64 = 1;

/// Keeps messages on Redis, Valkey or a Redis Cluster.
///
/// Any number of processes may use one store at the same time. Clones share their connections,
/// which mend themselves.
#[derive(Debug, Clone)]
pub struct RedisStore {
    inner: Arc<Inner>,
}

/// What the calls need.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) servers: Arc<Servers>,
    pub(crate) keys: Keys,
    pub(crate) scripts: Arc<Scripts>,
    prefix: String,
}

impl RedisStore {
    /// Opens a store; makes it if there is none under the prefix.
    ///
    /// # Errors
    /// [`ConnectError`] says what is wrong with the options or the servers and what to do. A
    /// server that may lose what it confirmed is refused, unless an option named for its danger
    /// allows it.
    pub async fn connect(options: &Options) -> Result<Self, ConnectError> {
        options.check()?;
        let dialer = Dialer::new(options)?;
        durability::check(&dialer, options).await?;
        let named = |failure| durability::unreachable(options.place.to_string(), failure);
        let servers = Servers::connect(options, dialer).await.map_err(named)?;
        let meta = meta(&servers, options).await.map_err(named)?;
        let shards = agree(meta, options)?;
        let inner = Inner {
            servers: Arc::new(servers),
            keys: Keys::new(&options.prefix, shards),
            scripts: Arc::new(Scripts::new()),
            prefix: options.prefix.clone(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// How the connections are; asks nobody.
    #[must_use]
    pub fn health(&self) -> Health {
        self.inner.servers.health()
    }

    /// A limiter over the same connections: it keeps the throughput of providers over all
    /// processes that use this store.
    #[must_use]
    pub fn limiter(&self) -> RedisLimiter {
        let Inner {
            servers, scripts, ..
        } = &*self.inner;
        RedisLimiter::new(
            Arc::clone(servers),
            Arc::clone(scripts),
            self.inner.prefix.clone(),
        )
    }
}

/// What the store was made with; makes it if there is none.
async fn meta(servers: &Servers, options: &Options) -> Result<Vec<(String, Value)>, Failure> {
    let key = Keys::meta(&options.prefix);
    let request = |command: &str, args: &[(&str, i64)]| {
        let mut cmd = redis::cmd(command);
        cmd.arg(&key);
        for (field, value) in args {
            cmd.arg(*field).arg(*value);
        }
        Request {
            slot: slot(key.as_bytes()),
            cmd,
        }
    };
    let shards = options.shards.into();
    let write = [("format", FORMAT), ("shards", shards)];
    let writes = write.map(|pair| request("HSETNX", &[pair])).into();
    servers.write(writes).await?;
    let answers = servers.read(vec![request("HGETALL", &[])]).await?;
    let answer = answers.into_iter().next().unwrap_or_default();
    value::pairs(answer, "the store's settings")
}

/// The number of shards that the store has.
fn agree(meta: Vec<(String, Value)>, options: &Options) -> Result<u16, ConnectError> {
    let unsuitable = |problem: String| ConnectError::Unsuitable {
        server: options.place.to_string(),
        problem,
    };
    let number = |name: &str| {
        let field = meta.iter().find(|(field, _)| field == name);
        field.and_then(|(_, value)| value::int(value.clone(), "").ok())
    };
    let unreadable = || {
        let key = Keys::meta(&options.prefix);
        unsuitable(format!(
            "{key} is not that of a store of messages; give another prefix"
        ))
    };
    match number("format") {
        Some(FORMAT) => {}
        Some(newer) => {
            return Err(unsuitable(format!(
                "the store has format {newer}, and this program knows formats up to {FORMAT}: \
                 use the release that wrote it, or a later one"
            )));
        }
        None => return Err(unreadable()),
    }
    let shards = number("shards").and_then(|shards| u16::try_from(shards).ok());
    shards
        .filter(|shards| (1..=256).contains(shards))
        .ok_or_else(unreadable)
}

impl Inner {
    /// The same command on a key of each shard.
    pub(crate) fn of_each_shard(
        &self,
        command: &str,
        key: fn(&Shard) -> &String,
        args: &[&str],
    ) -> Vec<Request> {
        let request = |shard: &Shard| {
            let mut cmd = redis::cmd(command);
            cmd.arg(key(shard)).arg(args);
            Request {
                slot: shard.slot,
                cmd,
            }
        };
        self.keys.shards().iter().map(request).collect()
    }
}

/// A change that failed alone does not fail the others; if all did, the call did.
fn each(results: Vec<Result<Committed, Failure>>) -> Result<Vec<Committed>, StoreError> {
    let told = |failure: Failure| failure.during("commit changes");
    if !results.is_empty() && results.iter().all(Result::is_err) {
        return results.into_iter().map(|one| one.map_err(told)).collect();
    }
    let one = |one: Result<_, _>| one.unwrap_or_else(|failure| Committed::Failed(told(failure)));
    Ok(results.into_iter().map(one).collect())
}

#[async_trait]
impl Store for RedisStore {
    /// In a cluster the shards: each is on one master.
    fn parts(&self) -> usize {
        match self.inner.servers.is_one() {
            true => 1,
            false => self.inner.keys.shards().len(),
        }
    }

    fn part_of(&self, id: MessageId) -> usize {
        match self.inner.servers.is_one() {
            true => 0,
            false => self.inner.keys.shard_of(id),
        }
    }

    async fn insert(&self, messages: Vec<Message>) -> Result<Vec<Inserted>, StoreError> {
        let inserted = insert::insert(&self.inner, &messages).await;
        let inserted: Result<Vec<Inserted>, Failure> = inserted.into_iter().collect();
        inserted.map_err(|failure| failure.during("insert messages"))
    }

    async fn load(&self, ids: &[MessageId]) -> Result<Vec<Option<Message>>, StoreError> {
        let loaded = read::load(&self.inner, ids).await;
        loaded.map_err(|failure| failure.during("load messages"))
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, StoreError> {
        let committed = commit::commit(&self.inner, &changes).await;
        each(committed)
    }

    async fn find(&self, keys: &[ReportKey]) -> Result<Vec<Option<MessageId>>, StoreError> {
        let found = provider_ids::find(&self.inner, keys).await;
        found.map_err(|failure| failure.during("find provider ids"))
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<MessageId>, StoreError> {
        let due = deadlines::due(&self.inner, now, limit).await;
        due.map_err(|failure| failure.during("look for deadlines"))
    }

    async fn next_deadline(&self) -> Result<Option<Timestamp>, StoreError> {
        let next = deadlines::next(&self.inner).await;
        next.map_err(|failure| failure.during("look for the next deadline"))
    }

    async fn park(&self, reports: Vec<ParkedReport>) -> Result<(), StoreError> {
        let parked = parking::park(&self.inner, &reports).await;
        parked.map_err(|failure| failure.during("park reports"))
    }

    async fn parked(&self, keys: &[ReportKey]) -> Result<Vec<ParkedReport>, StoreError> {
        let parked = parking::parked(&self.inner, keys).await;
        parked.map_err(|failure| failure.during("look for parked reports"))
    }

    async fn parked_due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<ParkedReport>, StoreError> {
        let due = parking::due(&self.inner, now, limit).await;
        due.map_err(|failure| failure.during("look for parked reports"))
    }

    async fn unpark(&self, reports: Vec<ParkedReport>) -> Result<(), StoreError> {
        let unparked = parking::unpark(&self.inner, &reports).await;
        unparked.map_err(|failure| failure.during("unpark reports"))
    }

    async fn list(
        &self,
        filter: &ListFilter,
        after: Option<&PageToken>,
        size: usize,
    ) -> Result<Page, StoreError> {
        let page = list::list(&self.inner, filter, after, size).await;
        page.map_err(|failure| failure.during("list messages"))
    }

    async fn count(&self) -> Result<StateCounts, StoreError> {
        let counts = read::count(&self.inner).await;
        counts.map_err(|failure| failure.during("count messages"))
    }

    async fn remove_finished(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let removed = removal::remove_finished(&self.inner, before, limit).await;
        removed.map_err(|failure| failure.during("remove finished messages"))
    }
}
