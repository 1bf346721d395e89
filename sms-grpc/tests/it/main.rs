//! The server over real sockets: an engine over memory with a scripted provider behind it, and
//! clients in front: ours, and one that writes its bytes by hand.

#![allow(clippy::unwrap_used, reason = "a test that fails here has failed")]

mod auth;
mod bad_input;
mod batch;
mod bind;
mod cancel;
mod deadline;
mod health;
mod legacy;
mod legacy_bytes;
mod limits;
mod list;
mod preview;
mod raw;
mod reflection;
mod send;
mod server;
mod shutdown;
mod stalled;
mod store_faults;
mod tls;
mod watch;
