//! The port to the store.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    Message, MessageId, ParkedReport, PhoneNumber, Progress, ReportKey, State, TenantId, Timestamp,
};

/// Keeps the messages. The store is the truth: what it has confirmed survives the death of the
/// process and of the machine, as far as its own documentation says so.
///
/// Every call takes many items, because the engine gathers them; an answer has one entry for
/// each item, in order. Items of one call are independent of each other: one that conflicts does
/// not keep the others from being written. Each single item is written whole or not at all.
///
/// # Contract
/// - *Durable*: when a call that writes returns `Ok`, what it wrote survives a crash.
/// - *Unknown*: when it returns `Err`, or its future is dropped, each item may or may not have
///   been written. The engine repeats such calls, so each must be safe to repeat.
/// - *Atomic*: a message, its deadline, and every index of it change in one step.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// How many parts the store has that can be away while the others serve, such as the shards
    /// of a cluster. The engine puts only messages of one part into one call of
    /// [`insert`](Store::insert), [`load`](Store::load) or [`commit`](Store::commit), so that one
    /// which is away neither fails nor holds up the others.
    ///
    /// # Contract
    /// Always the same for one store, and not 0. Most have one part.
    fn parts(&self) -> usize {
        1
    }

    /// Which part keeps a message: less than [`parts`](Store::parts).
    ///
    /// # Contract
    /// Always the same for one id.
    fn part_of(&self, id: MessageId) -> usize {
        let _ = id;
        0
    }

    /// Stores new messages.
    ///
    /// # Contract
    /// A message whose id is taken is not written; the answer holds the one that has the id. Of
    /// two with one id in the same call, the first is written. A store that repeats an insertion
    /// by itself, because its answer was lost, may find the very message that it wrote and say
    /// [`Inserted::Exists`]: the engine knows its own by
    /// [`Request::callback`](crate::Request::callback).
    ///
    /// # Errors
    /// Any [`StoreError`]: nothing is known of any item. After one that does not pass the engine
    /// inserts the messages of the call one by one, so that one which cannot be read does not
    /// keep the others out.
    async fn insert(&self, messages: Vec<Message>) -> Result<Vec<Inserted>, StoreError>;

    /// Loads messages by id; `None` where there is none.
    ///
    /// # Contract
    /// What a call that returned before this one began has written is seen.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn load(&self, ids: &[MessageId]) -> Result<Vec<Option<Message>>, StoreError>;

    /// Replaces the progress of messages, each only if its version is still the one that the
    /// change was decided on (compare-and-set).
    ///
    /// # Contract
    /// After `Applied` the provider ids of all attempts in the new progress are found by
    /// [`find`](Store::find), and so are those that they had before if a report names them. An
    /// id that was given to two messages leads to the one to which it was given later.
    /// `Conflict` carries the message as it is now. What one change alone stands in the way of may
    /// be told as `Failed`, and need not fail the others.
    ///
    /// # Errors
    /// Any [`StoreError`]: nothing is known of any item. After one that does not pass the engine
    /// reads the messages of the call again and commits what is left to do one by one.
    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, StoreError>;

    /// Finds messages by the ids that providers gave to them.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn find(&self, keys: &[ReportKey]) -> Result<Vec<Option<MessageId>>, StoreError>;

    /// The messages whose deadline is at or before `now`, the longest overdue first, at most
    /// `limit`.
    ///
    /// # Contract
    /// Costs what it returns, not what is stored.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<MessageId>, StoreError>;

    /// The earliest deadline of all messages.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn next_deadline(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Keeps reports whose message is not known yet. A report that
    /// [repeats](crate::Report::repeats) one already parked under the same key replaces it.
    ///
    /// # Errors
    /// Any [`StoreError`]: nothing is known of any item.
    async fn park(&self, reports: Vec<ParkedReport>) -> Result<(), StoreError>;

    /// The reports parked under any of the keys.
    ///
    /// # Contract
    /// Nearly free while nothing is parked: the engine asks for every message that is taken.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn parked(&self, keys: &[ReportKey]) -> Result<Vec<ParkedReport>, StoreError>;

    /// The parked reports whose time to look again is at or before `now`, at most `limit`.
    ///
    /// # Contract
    /// One that cannot be read is passed over and logged; it must not hold up the others.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn parked_due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<ParkedReport>, StoreError>;

    /// Removes parked reports; those that are not there are passed over.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn unpark(&self, reports: Vec<ParkedReport>) -> Result<(), StoreError>;

    /// Lists messages, the latest accepted first, `size` at most.
    ///
    /// # Contract
    /// Following [`Page::next`] to the end shows every message that fits the filter and was
    /// there all the time, once.
    ///
    /// # Errors
    /// Any [`StoreError`]; [`StoreErrorKind::Invalid`] for a page token of another store.
    async fn list(
        &self,
        filter: &ListFilter,
        after: Option<&PageToken>,
        size: usize,
    ) -> Result<Page, StoreError>;

    /// How many messages are in each state.
    ///
    /// # Contract
    /// Exact, at a cost that does not grow with the number of messages.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn count(&self) -> Result<StateCounts, StoreError>;

    /// Removes messages that became final before `before`, at most `limit`; says how many.
    ///
    /// # Contract
    /// Never removes a message that is not final.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn remove_finished(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError>;
}

/// What became of an insertion.
#[derive(Debug, Clone, PartialEq)]
pub enum Inserted {
    /// The message is stored.
    Created,
    /// Its id is taken, by this message.
    Exists(Box<Message>),
}

/// A change of a message that was decided and is to be committed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The message as it was decided on.
    pub before: Message,
    /// What its progress is to be. Its version is that of `before` plus one.
    pub after: Progress,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Committed {
    /// It is stored.
    Applied,
    /// The message has changed since; this is how it is now. Nothing was written.
    Conflict(Box<Message>),
    /// There is no such message. Nothing was written.
    Missing,
    /// The call failed for this change alone: nothing is known of it.
    Failed(StoreError),
}

/// Which messages to list; empty fields match all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// Only those of this tenant.
    pub tenant: Option<TenantId>,
    /// Only those in one of these states; all if empty.
    pub states: Vec<State>,
    /// Only those to this recipient.
    pub to: Option<PhoneNumber>,
    /// Only those accepted at or after this time.
    pub accepted_from: Option<Timestamp>,
    /// Only those accepted before this time.
    pub accepted_before: Option<Timestamp>,
}

impl ListFilter {
    /// Whether the message is one of those meant.
    #[must_use]
    pub fn matches(&self, message: &Message) -> bool {
        let request = &message.request;
        let fits = |wanted: &TenantId| *wanted == request.tenant;
        self.tenant.as_ref().is_none_or(fits)
            && (self.states.is_empty() || self.states.contains(&message.progress.state))
            && self.to.is_none_or(|to| to == request.to)
            && self
                .accepted_from
                .is_none_or(|from| request.accepted_at >= from)
            && self
                .accepted_before
                .is_none_or(|before| request.accepted_at < before)
    }
}

/// Some of the messages that were asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The messages.
    pub messages: Vec<Message>,
    /// Where to go on; none at the end.
    pub next: Option<PageToken>,
}

/// Where a list goes on. Only the store that made it knows its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageToken(pub String);

/// How many messages are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StateCounts([u64; State::ALL.len()]);

impl StateCounts {
    /// How many are in this state.
    #[must_use]
    pub fn get(&self, state: State) -> u64 {
        self.0[state as usize]
    }

    /// Sets how many are in this state.
    pub fn set(&mut self, state: State, count: u64) {
        self.0[state as usize] = count;
    }

    /// How many there are in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Every state with its count.
    pub fn iter(&self) -> impl Iterator<Item = (State, u64)> + '_ {
        State::ALL.into_iter().map(|state| (state, self.get(state)))
    }
}

/// A call to the store failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the store could not {doing}: {kind}")]
pub struct StoreError {
    kind: StoreErrorKind,
    doing: &'static str,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// Equal if they say the same; what caused them is not compared.
impl PartialEq for StoreError {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, self.doing) == (other.kind, other.doing)
    }
}

impl StoreError {
    /// An error of this kind; `doing` completes "the store could not …".
    #[must_use]
    pub fn new(kind: StoreErrorKind, doing: &'static str) -> Self {
        Self {
            kind,
            doing,
            source: None,
        }
    }

    /// The same with the error that caused it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Unavailable)
    }
}

/// What kind of failure a call to the store met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store cannot be reached, is full, or did not answer in time.
    Unavailable,
    /// What is stored cannot be read.
    Corrupt,
    /// The call makes no sense to this store.
    Invalid,
}

impl fmt::Display for StoreErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable => "it is not available",
            Self::Corrupt => "what is stored cannot be read",
            Self::Invalid => "the call is not valid",
        })
    }
}
