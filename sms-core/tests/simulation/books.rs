//! What is known from outside of a run, and the laws that it must keep.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use sms_core::testing::Fault;
use sms_core::{Message, MessageId, ReportStatus, State, UnknownPolicy};
use tokio::time::Instant;

/// What a run wrote down.
#[derive(Debug)]
pub(crate) struct Books {
    start: Instant,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    story: Vec<String>,
    violations: Vec<String>,
    accepted: BTreeSet<MessageId>,
    canceled: BTreeSet<MessageId>,
    truths: BTreeMap<MessageId, Truth>,
    coverage: Coverage,
}

/// What really happened to a message at its provider.
#[derive(Debug, Default, Clone)]
pub(crate) struct Truth {
    pub(crate) deduplicates: bool,
    pub(crate) requests: u32,
    pub(crate) takings: u32,
    pub(crate) under_way: u32,
    /// Final reports that the system said it has applied.
    pub(crate) applied: Vec<ReportStatus>,
}

/// What was met over many runs: a simulation that never meets a case proves nothing about it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Coverage {
    pub(crate) final_states: BTreeMap<State, u64>,
    pub(crate) transitions: BTreeSet<(State, State)>,
    pub(crate) faults: BTreeSet<&'static str>,
    pub(crate) met: BTreeMap<&'static str, u64>,
}

impl Coverage {
    pub(crate) fn add(&mut self, other: &Self) {
        for (state, count) in &other.final_states {
            *self.final_states.entry(*state).or_default() += count;
        }
        for (name, count) in &other.met {
            *self.met.entry(name).or_default() += count;
        }
        self.transitions.extend(&other.transitions);
        self.faults.extend(&other.faults);
    }

    /// Every final state, every fault and every special case was met.
    pub(crate) fn assert_complete(&self) {
        for state in State::ALL.into_iter().filter(|state| state.is_final()) {
            assert!(self.final_states.contains_key(&state), "never met: {state}");
        }
        for fault in [
            "Delay",
            "Refuse",
            "LoseAnswer",
            "HangBefore",
            "HangAfter",
            "Lose",
            "Double",
        ] {
            assert!(self.faults.contains(fault), "never met: fault {fault}");
        }
        for case in [
            "report before the answer",
            "report applied late",
            "report parked",
            "report repeated",
            "crash",
            "freeze",
            "cancel won",
            "cancel lost",
            "duplicate answer",
            "taken twice by policy",
            "replayed",
            "handed over at once",
            "queued",
            "throughput",
            "task came again",
        ] {
            assert!(self.met.contains_key(case), "never met: {case}");
        }
    }
}

impl Books {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            inner: Mutex::default(),
        }
    }

    pub(crate) fn tell(&self, line: impl Into<String>) {
        let at = self.start.elapsed().as_millis();
        let line = format!("{at:>9} ms  {}", line.into());
        self.inner.lock().unwrap().story.push(line);
    }

    pub(crate) fn violation(&self, what: impl Into<String>) {
        let what = what.into();
        self.tell(format!("VIOLATION: {what}"));
        self.inner.lock().unwrap().violations.push(what);
    }

    pub(crate) fn meet(&self, case: &'static str) {
        let mut inner = self.inner.lock().unwrap();
        *inner.coverage.met.entry(case).or_default() += 1;
    }

    pub(crate) fn meet_fault(&self, fault: Fault) {
        let name = match fault {
            Fault::None => return,
            Fault::Delay(_) => "Delay",
            Fault::Refuse => "Refuse",
            Fault::LoseAnswer => "LoseAnswer",
            Fault::HangBefore => "HangBefore",
            Fault::HangAfter => "HangAfter",
            Fault::Lose => "Lose",
            Fault::Double => "Double",
        };
        self.inner.lock().unwrap().coverage.faults.insert(name);
    }

    pub(crate) fn meet_transition(&self, from: State, to: State) {
        let mut inner = self.inner.lock().unwrap();
        inner.coverage.transitions.insert((from, to));
    }

    pub(crate) fn accepted(&self, id: MessageId) {
        self.inner.lock().unwrap().accepted.insert(id);
    }

    pub(crate) fn canceled(&self, id: MessageId) {
        self.inner.lock().unwrap().canceled.insert(id);
    }

    /// Reads or changes what is known of a message at its provider.
    pub(crate) fn truth<T>(&self, id: MessageId, act: impl FnOnce(&mut Truth) -> T) -> T {
        act(self.inner.lock().unwrap().truths.entry(id).or_default())
    }

    pub(crate) fn accepted_ids(&self) -> Vec<MessageId> {
        self.inner
            .lock()
            .unwrap()
            .accepted
            .iter()
            .copied()
            .collect()
    }

    /// Compares the messages at the end with what happened.
    pub(crate) fn audit(&self, messages: &BTreeMap<MessageId, Message>) {
        let (accepted, canceled, truths) = {
            let inner = self.inner.lock().unwrap();
            let Inner {
                accepted,
                canceled,
                truths,
                ..
            } = &*inner;
            (accepted.clone(), canceled.clone(), truths.clone())
        };
        for id in &accepted {
            if !messages.contains_key(id) {
                self.violation(format!("{id}: accepted and lost"));
            }
        }
        for (id, message) in messages {
            let truth = truths.get(id).cloned().unwrap_or_default();
            self.audit_message(message, &truth);
            if canceled.contains(id) && truth.takings > 0 {
                self.violation(format!("{id}: canceled, and yet taken by the provider"));
            }
        }
    }

    fn audit_message(&self, message: &Message, truth: &Truth) {
        let id = message.id();
        let state = message.progress.state;
        if !state.is_final() {
            return self.violation(format!("{id}: stuck in {state}: {:?}", message.progress));
        }
        *self
            .inner
            .lock()
            .unwrap()
            .coverage
            .final_states
            .entry(state)
            .or_default() += 1;
        let settled = matches!(
            state,
            State::Delivered | State::Undelivered | State::Unknown
        );
        if truth.takings > 0 && !settled {
            self.violation(format!("{id}: ended as {state}, but the provider took it"));
        }
        if truth.takings == 0 && matches!(state, State::Delivered | State::Undelivered) {
            self.violation(format!("{id}: ended as {state}, but was never taken"));
        }
        if truth.takings == 1 {
            self.audit_reports(id, state, truth);
        }
        let twice = !truth.deduplicates && truth.takings > 1;
        if twice && message.request.on_unknown == UnknownPolicy::PreferDuplicate {
            self.meet("taken twice by policy");
            let silences = message.progress.timeline.iter();
            let silences = silences.filter(|entry| entry.state == State::Unconfirmed);
            if truth.takings as usize > silences.count() + 1 {
                self.violation(format!("{id}: taken again without a silence before"));
            }
        } else if twice {
            self.violation(format!("{id}: taken {} times", truth.takings));
        }
    }

    fn audit_reports(&self, id: MessageId, state: State, truth: &Truth) {
        let told = truth.applied.iter().any(|status| match status {
            ReportStatus::Delivered => state == State::Delivered,
            ReportStatus::Unknown => state == State::Unknown,
            _ => state == State::Undelivered,
        });
        if !truth.applied.is_empty() && !told {
            let applied = &truth.applied;
            self.violation(format!("{id}: reported {applied:?}, but ended as {state}"));
        }
    }

    pub(crate) fn close(&self) -> (Vec<String>, Vec<String>, Coverage) {
        let mut inner = self.inner.lock().unwrap();
        let inner = std::mem::take(&mut *inner);
        (inner.story, inner.violations, inner.coverage)
    }
}
