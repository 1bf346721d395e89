//! Keeping the record of a message bounded, whatever its life.

use crate::{Attempt, AttemptOutcome, Cause, Progress, Report, State, Timestamp, Transition};

/// A message that is throttled all day has hundreds of attempts. These many of each are kept.
const ATTEMPTS_KEPT: usize = 32;
const TRANSITIONS_KEPT: usize = 64;
/// A provider that repeats itself with differing words.
const REPORTS_KEPT: usize = 16;
/// How a message's life began is worth more than its middle.
const FIRST_TRANSITIONS_KEPT: usize = 4;

impl Progress {
    /// The progress of a message that was just accepted.
    #[must_use]
    pub fn accepted(at: Timestamp, state: State, deadline: Timestamp) -> Self {
        let mut progress = Self {
            version: 1,
            state,
            ready_at: None,
            deadline: Some(deadline),
            ending: None,
            attempts: Vec::new(),
            reports: Vec::new(),
            timeline: Vec::new(),
        };
        progress.record_transition(at, Cause::Accepted);
        progress
    }

    pub(super) fn enter(&mut self, state: State, at: Timestamp, cause: Cause) {
        if self.state != state {
            self.state = state;
            self.record_transition(at, cause);
        }
        if state.is_final() {
            self.deadline = None;
        }
        if state != State::Queued {
            self.ready_at = None;
        }
    }

    fn record_transition(&mut self, at: Timestamp, cause: Cause) {
        let last = self.timeline.last().map_or(0, |last| last.sequence);
        if self.timeline.len() >= TRANSITIONS_KEPT {
            self.timeline.remove(FIRST_TRANSITIONS_KEPT);
        }
        self.timeline.push(Transition {
            sequence: last + 1,
            at,
            state: self.state,
            cause,
        });
    }

    pub(super) fn record_attempt(&mut self, attempt: Attempt) {
        if self.attempts.len() >= ATTEMPTS_KEPT {
            let dispensable = self.attempts.iter().position(surely_not_taken);
            if let Some(at) = dispensable {
                self.attempts.remove(at);
            }
        }
        self.attempts.push(attempt);
    }

    /// Says whether there was room for the report. A final one takes the place of one that was
    /// not.
    pub(super) fn record_report(&mut self, report: Report) -> bool {
        if self.reports.len() >= REPORTS_KEPT {
            let is_passing = |report: &Report| !report.status.is_final();
            let dispensable = self.reports.iter().rposition(is_passing);
            match dispensable.filter(|_| report.status.is_final()) {
                Some(at) => drop(self.reports.remove(at)),
                None => return false,
            }
        }
        self.reports.push(report);
        true
    }
}

/// Nothing later can depend on such an attempt, and it used up no retry.
fn surely_not_taken(attempt: &Attempt) -> bool {
    matches!(
        attempt.outcome,
        Some(AttemptOutcome::Throttled | AttemptOutcome::Unauthorized | AttemptOutcome::GivenBack)
    ) && attempt.report.is_none()
}
