//! The domain of sending text messages reliably: types, ports, state machine, engine.

mod attempt;
mod callback;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod duration;
mod engine;
mod entropy;
mod id;
mod machine;
mod memory;
mod message;
mod name;
mod number;
mod ports;
mod report;
mod secret;
mod sender;
mod state;
#[cfg(feature = "testing")]
pub mod testing;
pub mod text;
mod throughput;
mod timestamp;

pub use attempt::{Attempt, AttemptOutcome, ClaimToken};
pub use callback::{Callback, CallbackPath, CallbackPathError};
pub use duration::DurationError;
pub use engine::{
    AcceptError, Accepted, BuildError, Canceled, Drained, Engine, EngineBuilder, NewMessage,
    NoObserver, Observation, Observer, Preview, ProviderSetup, Reported, Running, Watch,
};
pub use entropy::{Entropy, SystemEntropy};
pub use id::{MessageId, MessageIdError, Reference, ReferenceError};
pub use machine::{
    Decision, Event, Jitter, ProviderRules, RetrySchedule, Rules, ScheduleError, Unchanged,
};
pub use memory::{LocalLimiter, MemoryQueue, MemoryStore};
pub use message::{
    Cause, Fingerprint, Message, Priority, Progress, Request, Transition, UnknownPolicy,
};
pub use name::{IdempotencyKey, NameError, ProviderId, ProviderName, TenantId};
pub use number::{ClearText, NumberError, PhoneNumber, Region};
pub use ports::*;
pub use report::{IncomingReport, ParkedReport, Report, ReportKey, ReportStatus, Subject};
pub use secret::Secret;
pub use sender::{SenderError, SenderId, SenderKind};
pub use state::{State, StateError};
pub use text::{Encoding, EncodingChoice, MessageText, TextError};
pub use throughput::{Throughput, ThroughputError};
pub use timestamp::{Clock, SystemClock, Timestamp, TimestampError};
