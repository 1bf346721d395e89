//! Opening the store and the queue.

use std::time::Duration;

use sms_core::duration::format_duration;
use tokio::time::{Instant, sleep};

use super::stop::StopSignals;
use crate::backends::{Backend, OpenError, OpenQueue, OpenStore};
use crate::config::{Loaded, Problem};
use crate::progress::Screen;

/// The pause before the store is tried again.
const PAUSE: Duration = Duration::from_millis(500);
/// How often a long wait is told.
const SAY_AGAIN: Duration = Duration::from_secs(10);

/// Opens the store. One that cannot be reached yet is waited for, because a machine that starts
/// brings up its services in any order. None if a signal came first.
pub(super) async fn store(
    loaded: &Loaded,
    backend: &Backend<OpenStore>,
    name: &str,
    signals: &mut StopSignals,
    screen: &Screen,
) -> Result<Option<OpenStore>, Problem> {
    tokio::select! {
        opened = patiently(loaded, backend, name, screen) => opened.map(Some),
        signal = signals.next() => {
            tracing::info!(signal = signal.name(), "stopped before the store could be reached");
            Ok(None)
        }
    }
}

async fn patiently(
    loaded: &Loaded,
    backend: &Backend<OpenStore>,
    name: &str,
    screen: &Screen,
) -> Result<OpenStore, Problem> {
    let limit = loaded.config.startup.store_timeout;
    let begun = Instant::now();
    let mut said: Option<Instant> = None;
    let mut waiting = None;
    loop {
        let error = match backend.open(name).await {
            Ok(store) => return Ok(store),
            Err(error) => error,
        };
        if !error.is_passing {
            return Err(loaded.problem("store", error.words));
        }
        if begun.elapsed() + PAUSE > limit {
            return Err(loaded.problem("store", in_vain(&backend.shown(), limit, &error)));
        }
        if said.is_none_or(|said| said.elapsed() >= SAY_AGAIN) {
            said = Some(Instant::now());
            let wait = || format!("waiting for {}", backend.shown());
            waiting.get_or_insert_with(|| screen.begin(wait()));
            tracing::warn!(
                store = backend.shown(),
                problem = error.words,
                limit = format_duration(limit),
                "waiting for the store"
            );
        }
        sleep(PAUSE).await;
    }
}

fn in_vain(shown: &str, limit: Duration, error: &OpenError) -> String {
    let limit = format_duration(limit);
    let words = &error.words;
    format!(
        "{shown} was not there within {limit} (startup.store_timeout): {words}; start the server, \
         or correct its address"
    )
}

/// Opens the queue.
pub(super) async fn queue(
    loaded: &Loaded,
    backend: &Backend<OpenQueue>,
    name: &str,
) -> Result<OpenQueue, Problem> {
    let opened = backend.open(name).await;
    opened.map_err(|error| loaded.problem("queue", error.words))
}
