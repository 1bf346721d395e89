//! Faults that a decorator injects into the calls of a port.

use std::fmt;
use std::future::{Future, pending};
use std::time::Duration;

/// A call that is about to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Call {
    /// Of which port.
    pub port: Port,
    /// The method's name.
    pub method: &'static str,
}

/// A port whose calls can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Port {
    /// The store.
    Store,
    /// The queue.
    Queue,
}

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It takes this long, and then goes well.
    Delay(Duration),
    /// It fails and has no effect.
    Refuse,
    /// It has its effect, but its answer is lost: the caller sees a failure.
    LoseAnswer,
    /// It has no effect and never ends, as when the calling process dies just before it.
    HangBefore,
    /// It has its effect and never ends, as when the calling process dies just after it.
    HangAfter,
    /// It seems to go well but has no effect. Only for calls whose effect may be lost: hints.
    Lose,
    /// It takes effect twice, and its second answer counts. Only for calls that may: hints, and
    /// insertions.
    Double,
}

/// Chooses the fault of each call.
pub trait Faults: Send + Sync + fmt::Debug {
    /// The fault of a call that is about to be made.
    fn choose(&self, call: Call) -> Fault;
}

/// Nothing ever goes wrong.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFaults;

impl Faults for NoFaults {
    fn choose(&self, _call: Call) -> Fault {
        Fault::None
    }
}

/// Makes a call under a fault; `failed` makes the error of a call that fails.
pub(super) async fn under<T, E>(
    fault: Fault,
    call: impl Future<Output = Result<T, E>> + Send,
    failed: impl FnOnce() -> E + Send,
) -> Result<T, E> {
    match fault {
        Fault::None | Fault::Lose | Fault::Double => call.await,
        Fault::Delay(delay) => {
            tokio::time::sleep(delay).await;
            call.await
        }
        Fault::Refuse => Err(failed()),
        Fault::LoseAnswer => {
            let _lost = call.await;
            Err(failed())
        }
        Fault::HangBefore => pending().await,
        Fault::HangAfter => {
            let _lost = call.await;
            pending().await
        }
    }
}
