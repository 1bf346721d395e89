//! What the engine is at and since when, so that somebody can tell that it hangs.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Engine;
use crate::ProviderName;

/// A step of the engine that is under way and ought to come to an end soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is being done.
    pub part: Part,
    /// For which provider, where it is for one.
    pub provider: Option<ProviderName>,
    /// For how long it has been under way.
    pub took: Duration,
}

/// What a step does. Waiting that may take for ever is none: for work, for a free slot, for a
/// provider that is held, or for the pause before something that failed is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// Asking the limiter how much of a throughput is free.
    Limiter,
    /// Claiming messages in the store.
    Claims,
    /// Keeping the answer of a provider in the store.
    Answer,
    /// Telling the queue which messages wait.
    Hints,
    /// Telling the queue what is done with.
    Acknowledgement,
    /// A pass over the deadlines in the store, or over what waits in it at the start.
    Sweep,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Limiter => "asking the limiter",
            Self::Claims => "claiming messages in the store",
            Self::Answer => "keeping an answer in the store",
            Self::Hints => "giving hints to the queue",
            Self::Acknowledgement => "acknowledging hints to the queue",
            Self::Sweep => "sweeping the store",
        })
    }
}

impl Engine {
    /// The step that has been under way for the longest; none when nothing is. Every step is a
    /// few calls to a port: one that takes minutes will hardly ever end, and only a new process
    /// helps. A port that answers with errors is asked again, each time in a step of its own, so
    /// it never shows here.
    #[must_use]
    pub fn longest_step(&self) -> Option<Step> {
        self.inner.pulse.longest()
    }
}

/// The steps that are under way.
#[derive(Debug, Default)]
pub(super) struct Pulse(Mutex<Steps>);

#[derive(Debug, Default)]
struct Steps {
    begun: u64,
    /// By the order in which they began: the first one takes the longest.
    under_way: BTreeMap<u64, (Part, Option<ProviderName>, Instant)>,
}

/// A step; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Begun {
    pulse: Arc<Pulse>,
    number: u64,
}

impl Pulse {
    pub(super) fn begin(self: &Arc<Self>, part: Part, provider: Option<&ProviderName>) -> Begun {
        let mut steps = self.lock();
        steps.begun += 1;
        let number = steps.begun;
        let step = (part, provider.cloned(), Instant::now());
        steps.under_way.insert(number, step);
        Begun {
            pulse: Arc::clone(self),
            number,
        }
    }

    /// Waits for the future, as a step.
    pub(super) async fn during<F: Future>(self: &Arc<Self>, part: Part, future: F) -> F::Output {
        let _step = self.begin(part, None);
        future.await
    }

    fn longest(&self) -> Option<Step> {
        let steps = self.lock();
        let (_, (part, provider, since)) = steps.under_way.first_key_value()?;
        Some(Step {
            part: *part,
            provider: provider.clone(),
            took: since.elapsed(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Steps> {
        // What is guarded here is whole between any two statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.pulse.lock().under_way.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_step_that_began_first_is_told_until_it_ends() {
        let pulse = Arc::new(Pulse::default());
        let main = "main".parse().unwrap();
        let first = pulse.begin(Part::Limiter, Some(&main));
        tokio::time::advance(Duration::from_secs(2)).await;
        let _second = pulse.begin(Part::Sweep, None);
        tokio::time::advance(Duration::from_secs(1)).await;
        let told = |part, provider, seconds| {
            let took = Duration::from_secs(seconds);
            Some(Step {
                part,
                provider,
                took,
            })
        };
        assert_eq!(pulse.longest(), told(Part::Limiter, Some(main), 3));
        drop(first);
        assert_eq!(pulse.longest(), told(Part::Sweep, None, 1));
    }

    #[tokio::test]
    async fn a_step_that_is_cut_off_has_ended() {
        let pulse = Arc::new(Pulse::default());
        let hangs = pulse.during(Part::Answer, std::future::pending::<()>());
        let cut = tokio::time::timeout(Duration::from_millis(1), hangs).await;
        assert!(cut.is_err());
        assert_eq!(pulse.longest(), None);
    }
}
