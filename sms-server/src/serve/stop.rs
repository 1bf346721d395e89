//! Being told to stop.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit status of a process that a signal ended is this plus the signal's number.
const SIGNAL_STATUS: i32 = 128;

/// Waits for SIGTERM and SIGINT.
#[derive(Debug)]
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

/// A signal that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopSignal {
    Terminate,
    Interrupt,
}

impl StopSignals {
    /// From here on the signals do not end the process by themselves.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The next signal.
    pub(crate) async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.terminate.recv() => StopSignal::Terminate,
            _ = self.interrupt.recv() => StopSignal::Interrupt,
        }
    }

    /// Ends the process at the next signal, whatever it is doing: safe at any time, since what is
    /// under way is settled after the next start.
    pub(crate) fn exit_at_next(mut self) {
        tokio::spawn(async move {
            let signal = self.next().await;
            tracing::warn!(signal = signal.name(), "stopped at once by a second signal");
            std::process::exit(signal.status());
        });
    }
}

impl StopSignal {
    /// The usual name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        }
    }

    fn status(self) -> i32 {
        SIGNAL_STATUS
            + match self {
                Self::Terminate => SignalKind::terminate().as_raw_value(),
                Self::Interrupt => SignalKind::interrupt().as_raw_value(),
            }
    }
}
