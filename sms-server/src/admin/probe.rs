//! Whether the process lives and takes work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often the event loop shows that it turns.
const BEAT: Duration = Duration::from_secs(1);
/// For how long it may not: far more than a busy machine needs, less than most probes take to
/// give up on a process.
const SILENCE: Duration = Duration::from_secs(15);

/// What the probes ask for.
#[derive(Debug)]
pub(crate) struct Vitals {
    started: Instant,
    last_beat_ms: AtomicU64,
    draining: AtomicBool,
}

impl Vitals {
    /// Begins to watch the event loop that this is called on.
    pub(crate) fn start() -> Arc<Self> {
        let vitals = Arc::new(Self::new());
        let beating = Arc::clone(&vitals);
        tokio::spawn(async move {
            loop {
                beating.beat();
                tokio::time::sleep(BEAT).await;
            }
        });
        vitals
    }

    fn new() -> Self {
        Self {
            started: Instant::now(),
            last_beat_ms: AtomicU64::new(0),
            draining: AtomicBool::new(false),
        }
    }

    fn beat(&self) {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_beat_ms.store(elapsed, Ordering::Relaxed);
    }

    /// From now on no more work is wanted.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the event loop turns; else for how long it has not.
    pub(super) fn alive(&self) -> Result<(), String> {
        let last = Duration::from_millis(self.last_beat_ms.load(Ordering::Relaxed));
        let silent = self.started.elapsed().saturating_sub(last);
        if silent > SILENCE {
            let seconds = silent.as_secs();
            return Err(format!("the event loop has not turned for {seconds} s"));
        }
        Ok(())
    }

    /// Whether work is wanted.
    pub(super) fn taking(&self) -> Result<(), String> {
        if self.draining.load(Ordering::Relaxed) {
            return Err("draining: the server is coming to an end".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_event_loop_is_not_alive() {
        let mut vitals = Vitals::new();
        assert_eq!(vitals.alive(), Ok(()));
        let long_ago = Instant::now()
            .checked_sub(SILENCE + Duration::from_secs(2))
            .unwrap();
        vitals.started = long_ago;
        let problem = vitals.alive().unwrap_err();
        assert_eq!(problem, "the event loop has not turned for 17 s");
        vitals.beat();
        assert_eq!(vitals.alive(), Ok(()));
    }

    #[test]
    fn a_draining_server_lives_but_takes_no_work() {
        let vitals = Vitals::new();
        assert_eq!(vitals.taking(), Ok(()));
        vitals.drain();
        assert!(vitals.taking().is_err() && vitals.alive().is_ok());
    }
}
