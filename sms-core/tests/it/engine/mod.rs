//! The engine over the backends in memory, in virtual time.

mod accepting;
mod books;
mod canceling;
mod draining;
mod embedding;
mod hanging;
mod idempotency;
mod load;
mod outages;
mod pace;
mod parts;
mod providers;
mod repeated_hints;
mod reporting;
mod rig;
mod rotten;
mod unreadable;
mod watching;
