//! One shared suite of rules for every store, queue and provider, and for every pair of a store
//! and a queue (feature `conformance`).
//!
//! Each rule of a port's contract is one `async fn` here, named by what it demands. A macro makes
//! a test of each, so that a back end is checked in a few lines:
//!
//! ```
//! use std::sync::Arc;
//! use sms_core::{MemoryStore, Store};
//!
//! /// A store of its own for every test, and whatever must live as long as the store.
//! async fn fresh() -> (Arc<dyn Store>, ()) {
//!     (Arc::new(MemoryStore::new()), ())
//! }
//!
//! sms_core::store_conformance!(fresh);
//! # fn main() {}
//! ```
//!
//! | port | macro | what it takes |
//! |---|---|---|
//! | [`Store`](crate::Store) | [`store_conformance!`](crate::store_conformance) | a function that makes an empty store |
//! | | [`store_durability!`](crate::store_durability) | a function that makes a place in which a store can be opened again |
//! | [`Queue`](crate::Queue) | [`queue_conformance!`](crate::queue_conformance) | a function that makes an empty queue |
//! | | [`queue_redelivery!`](crate::queue_redelivery) | a function that makes a broker to which several consumers can connect |
//! | [`Store`](crate::Store) with [`Queue`](crate::Queue) | [`engine_conformance!`](crate::engine_conformance) | a function that makes an empty store and a queue to which several processes can connect |
//! | [`Provider`](crate::Provider) | [`provider_conformance!`](crate::provider_conformance) | a function that makes the provider |
//! | | [`provider_faults!`](crate::provider_faults) | a function that makes the provider for a server at a given address |
//!
//! Call a macro inside a module of its own. The crate that calls it needs `tokio` with the
//! features `macros` and `rt-multi-thread` as a development dependency. A rule that is broken
//! panics, with what was expected.

pub mod engine;
mod faulty_server;
pub mod provider;
pub mod queue;
mod samples;
pub mod store;

pub use samples::{Samples, changed, finished};

/// Makes a multi-threaded test of every rule that is named.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ($make:path, $module:ident: $($rule:ident)*) => {$(
        #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $rule() {
            // What comes with the subject (a folder, a server) lives until the rule is checked.
            let (subject, _kept) = $make().await;
            $crate::conformance::$module::$rule(subject).await;
        }
    )*};
}
