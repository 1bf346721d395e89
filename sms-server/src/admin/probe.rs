//! Whether the process lives and takes work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sms_core::Step;

/// How often the event loop shows that it turns.
const BEAT: Duration = Duration::from_secs(1);
/// For how long it may not: far more than a busy machine needs, less than most probes take to
/// give up on a process.
const SILENCE: Duration = Duration::from_secs(15);
/// For how long one step of the engine may be under way: a few calls, each of which its adapter
/// gives up on within seconds, or a pass over a store that a disk holds up.
const STEP: Duration = Duration::from_secs(120);

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

/// Whether the engine's work goes on, by its longest step; else what does not.
pub(super) fn goes_on(longest: Option<Step>) -> Result<(), String> {
    let Some(Step {
        part,
        provider,
        took,
    }) = longest.filter(|step| step.took > STEP)
    else {
        return Ok(());
    };
    let seconds = took.as_secs();
    let provider = provider.map_or_else(String::new, |name| format!(" for provider {name}"));
    Err(format!("{part}{provider} has not ended for {seconds} s"))
}

#[cfg(test)]
mod tests {
    use sms_core::Part;

    use super::*;

    #[test]
    fn a_step_that_does_not_end_is_told_with_its_provider() {
        let step = |seconds| Step {
            part: Part::Limiter,
            provider: "main".parse().ok(),
            took: Duration::from_secs(seconds),
        };
        assert_eq!(goes_on(None), Ok(()));
        assert_eq!(goes_on(Some(step(120))), Ok(()));
        assert_eq!(
            goes_on(Some(step(130))).unwrap_err(),
            "asking the limiter for provider main has not ended for 130 s"
        );
    }

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
