//! Backends that live in the memory of the process: for tests, and where losing everything with
//! the process is fine.

mod limiter;
mod parking;
mod queue;
mod store;

pub use limiter::LocalLimiter;
pub use queue::MemoryQueue;
#[cfg(feature = "testing")]
pub(crate) use queue::class_of_turn;
pub use store::MemoryStore;
