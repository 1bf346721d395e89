//! The domain of sending text messages reliably: types, ports, state machine, engine.
//!
//! A message that [`Engine::accept`] has answered is in the store, and reaches a final state
//! whatever dies in between. The engine needs a [`Store`], a [`Queue`] and a [`Provider`]; all
//! three are traits, and the ones in memory and in `testing` are enough for a first look:
//!
//! ```
//! # #[cfg(feature = "testing")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use sms_core::testing::ScriptedProvider;
//! use sms_core::{Engine, MemoryQueue, MemoryStore, MessageText, NewMessage, State};
//!
//! let engine = Engine::builder(Arc::new(MemoryStore::new()), Arc::new(MemoryQueue::new()))
//!     .provider(ScriptedProvider::new("main")?)
//!     .build()?;
//! let _running = engine.start();
//!
//! let message = NewMessage::new("+79991234567".parse()?, MessageText::new("Hi")?);
//! let id = engine.accept(message).await?.message.id();
//!
//! let mut watch = engine.watch(id).await?.expect("it was just accepted");
//! while let Some(message) = watch.next().await {
//!     if message?.state() == State::Sent {
//!         break;
//!     }
//! }
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "testing"))]
//! # fn main() {}
//! ```
//!
//! | to | read |
//! |---|---|
//! | send from your own program | [`Engine`], [`NewMessage`] |
//! | know what becomes of a message | [`Message`], [`State`], [`Rules::decide`] |
//! | write a provider | [`Provider`], [`ReportDecoder`] |
//! | write a store or a queue | [`Store`], [`Queue`], and the module `conformance` |
//!
//! Nothing here logs a number or a text. The library behind [`PhoneNumber`] does, through the
//! crate `log` at the level `trace`: whoever listens to that level filters `rlibphonenumber` out.
//!
//! Features: `testing` (fakes and fault injection), `conformance` (one suite of rules per port),
//! `mock` (mockall mocks of the ports).

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
#[cfg(feature = "mock")]
pub mod mock;
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
mod words;

pub use attempt::{Attempt, AttemptOutcome, ClaimToken};
pub use callback::{Callback, CallbackPath, CallbackPathError};
pub use duration::DurationError;
pub use engine::{
    AcceptError, Accepted, BuildError, Canceled, Drained, Engine, EngineBuilder, NewMessage,
    NoObserver, Observation, Observer, Part, Preview, ProviderSetup, Reported, Running, Step,
    Watch,
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
