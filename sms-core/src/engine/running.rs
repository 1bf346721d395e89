//! Starting and stopping the work of an engine.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::lane::Lane;
use super::{Engine, backlog, sweep};

/// The work of an engine that was started. Dropping it stops the work as
/// [`drain`](Running::drain) does, without waiting for it.
#[derive(Debug)]
#[must_use = "dropping it stops the work"]
pub struct Running {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// How a drain went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Everything that was under way has ended.
    Clean,
    /// Time ran out: what was under way then is settled by its leases after the next start.
    Cut,
}

impl Engine {
    /// Starts working: one lane for each provider, and the sweep.
    ///
    /// # Panics
    /// When called outside a tokio runtime.
    pub fn start(&self) -> Running {
        let (stop, stopped) = watch::channel(false);
        let stopped = Stop(stopped);
        let mut tasks = JoinSet::new();
        for name in self.inner.routes.keys() {
            let lane = Lane::new(Arc::clone(&self.inner), name.clone(), stopped.clone());
            tasks.spawn(lane.run());
        }
        tasks.spawn(sweep::run(Arc::clone(&self.inner), stopped.clone()));
        if self.inner.settings.hint_all_at_start {
            tasks.spawn(backlog::hint_all(Arc::clone(&self.inner), stopped));
        }
        Running { stop, tasks }
    }
}

impl Running {
    /// Waits until a part of the work has broken down, which only a fault of the program can
    /// cause. The other parts go on, but the process should be started anew.
    ///
    /// Safe to drop and call again.
    pub async fn broken(&mut self) {
        loop {
            match self.tasks.join_next().await {
                Some(Err(_)) => return,
                Some(Ok(())) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// Stops taking work and waits, at most `limit`, until what is under way has ended.
    pub async fn drain(mut self, limit: Duration) -> Drained {
        let _ = self.stop.send(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        match tokio::time::timeout(limit, ended).await {
            Ok(()) => Drained::Clean,
            Err(_) => Drained::Cut,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        self.tasks.detach_all();
    }
}

/// Tells tasks to stop.
#[derive(Debug, Clone)]
pub(super) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Waits for the future; none when told to stop first.
    pub(super) async fn or<F: Future>(&mut self, future: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            _ = self.0.wait_for(|stopped| *stopped) => None,
            output = future => Some(output),
        }
    }
}
