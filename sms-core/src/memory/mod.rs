//! Backends that live in the memory of the process: for tests, and where losing everything with
//! the process is fine.

mod limiter;
mod parking;
mod queue;
mod store;

pub use limiter::LocalLimiter;
pub use queue::MemoryQueue;
pub use store::MemoryStore;
