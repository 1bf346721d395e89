//! What the engine needs of the world: three ports, and two that a provider may have besides.

mod limiter;
mod provider;
mod queue;
mod reports;
mod store;

pub use limiter::{Grant, Limiter, LimiterError};
pub use provider::{
    Answer, CallbackSupport, CallbackUrl, Capabilities, Outcome, Provider, QueryAnswer,
    StatusQuery, Submission,
};
pub use queue::{Hint, Queue, QueueError, Receipt, Task};
pub use reports::{DecodeError, Decoded, Proof, Reply, ReportDecoder, ReportRequest};
pub use store::{
    Change, Committed, Inserted, ListFilter, Page, PageToken, StateCounts, Store, StoreError,
    StoreErrorKind,
};
