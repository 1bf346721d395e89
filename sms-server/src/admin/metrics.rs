//! What is counted and measured, in one registry that belongs to one server.

use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use sms_core::{
    Attempt, AttemptOutcome, Message, Observation, Observer, ProviderName, ReportStatus, State,
};

/// Up to half an hour: what a full queue or a slow provider may take.
const FIRST_ATTEMPT_SECONDS: [f64; 16] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 300.0,
    1_800.0,
];
/// Up to a day: what a phone that is switched off may take.
const DELIVERED_SECONDS: [f64; 16] = [
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 300.0, 900.0, 3_600.0, 14_400.0,
    86_400.0,
];
/// Up to a minute, beyond which hardly a time-out goes.
const PROVIDER_SECONDS: [f64; 13] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// The metrics of one server. The engine tells it what happens.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(super) accepted: Counter,
    pub(super) replayed: Counter,
    pub(super) attempts: Family<AttemptLabels, Counter>,
    pub(super) reports: Family<ReportLabels, Counter>,
    pub(super) parked: Counter,
    pub(super) finished: Family<StateLabel, Counter>,
    pub(super) hints_lost: Counter,
    pub(super) hints_dropped: Counter,
    pub(super) holds: Family<ProviderLabel, Counter>,
    pub(super) first_attempt: Histogram,
    pub(super) delivered: Histogram,
    pub(super) provider: Family<ProviderLabel, Histogram, fn() -> Histogram>,
    held_until: Mutex<HashMap<ProviderName, Instant>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            accepted: Counter::default(),
            replayed: Counter::default(),
            attempts: Family::default(),
            reports: Family::default(),
            parked: Counter::default(),
            finished: Family::default(),
            hints_lost: Counter::default(),
            hints_dropped: Counter::default(),
            holds: Family::default(),
            first_attempt: Histogram::new(FIRST_ATTEMPT_SECONDS),
            delivered: Histogram::new(DELIVERED_SECONDS),
            provider: Family::new_with_constructor(|| Histogram::new(PROVIDER_SECONDS)),
            held_until: Mutex::default(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ProviderLabel {
    pub(super) provider: Name,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct AttemptLabels {
    provider: Name,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ReportLabels {
    provider: Name,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct StateLabel {
    pub(super) state: &'static str,
}

/// The name of a provider as a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Name(pub(super) ProviderName);

impl EncodeLabelValue for Name {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        encoder.write_str(self.0.as_str())
    }
}

impl Observer for Metrics {
    fn observe(&self, observation: &Observation<'_>) {
        match *observation {
            Observation::Accepted { replayed, .. } => {
                let counter = if replayed {
                    &self.replayed
                } else {
                    &self.accepted
                };
                counter.inc();
            }
            Observation::Changed { message, .. } => self.changed(message),
            Observation::AttemptEnded { attempt, took, .. } => self.attempt_ended(attempt, took),
            Observation::Reported {
                provider,
                status,
                parked,
            } => self.reported(provider, status, parked),
            Observation::HintsLost { messages } => add(&self.hints_lost, messages),
            Observation::HintsDropped { messages } => add(&self.hints_dropped, messages),
            Observation::Held { provider, pause } => self.held(provider, pause),
            // What a later engine tells besides is not counted yet.
            _ => {}
        }
    }
}

/// What may become of an attempt, as the label tells it.
const OUTCOMES: [AttemptOutcome; 7] = [
    AttemptOutcome::Accepted,
    AttemptOutcome::Duplicate,
    AttemptOutcome::Rejected,
    AttemptOutcome::Throttled,
    AttemptOutcome::Unavailable,
    AttemptOutcome::Unauthorized,
    AttemptOutcome::Unknown,
];

/// What a report may say.
const STATUSES: [ReportStatus; 6] = [
    ReportStatus::Buffered,
    ReportStatus::Delivered,
    ReportStatus::Undelivered,
    ReportStatus::Expired,
    ReportStatus::Rejected,
    ReportStatus::Unknown,
];

fn add(counter: &Counter, count: usize) {
    counter.inc_by(u64::try_from(count).unwrap_or(u64::MAX));
}

impl Metrics {
    /// The metrics of a server with these providers, every series at 0: a series that is born
    /// with its first event shows Prometheus no increase, and an alert on it would miss the first.
    pub(crate) fn of<'a>(providers: impl Iterator<Item = &'a ProviderName>) -> Self {
        let metrics = Self::default();
        for state in State::ALL.iter().filter(|state| state.is_final()) {
            let state = state.as_str();
            drop(metrics.finished.get_or_create(&StateLabel { state }));
        }
        for provider in providers {
            metrics.expect(Name(provider.clone()));
        }
        metrics
    }

    fn expect(&self, provider: Name) {
        for outcome in OUTCOMES {
            let labels = AttemptLabels {
                provider: provider.clone(),
                outcome: outcome.as_str(),
            };
            drop(self.attempts.get_or_create(&labels));
        }
        for status in STATUSES {
            let labels = ReportLabels {
                provider: provider.clone(),
                status: status.as_str(),
            };
            drop(self.reports.get_or_create(&labels));
        }
        drop(self.holds.get_or_create(&ProviderLabel { provider }));
    }

    fn changed(&self, message: &Message) {
        let state = message.state();
        let request = &message.request;
        // A message that is to be sent later is not slow because of that.
        let due = request
            .send_at
            .unwrap_or(request.accepted_at)
            .max(request.accepted_at);
        if let (State::Sending, [first]) = (state, message.progress.attempts.as_slice()) {
            self.first_attempt
                .observe(first.started_at.since(due).as_secs_f64());
        }
        if !state.is_final() {
            return;
        }
        let label = StateLabel {
            state: state.as_str(),
        };
        self.finished.get_or_create(&label).inc();
        if let (State::Delivered, Some(at)) = (state, message.progress.finished_at()) {
            self.delivered.observe(at.since(due).as_secs_f64());
        }
    }

    fn attempt_ended(&self, attempt: &Attempt, took: Duration) {
        let provider = Name(attempt.provider.clone());
        let outcome = attempt
            .outcome
            .map_or("unknown", |outcome| outcome.as_str());
        let labels = AttemptLabels {
            provider: provider.clone(),
            outcome,
        };
        self.attempts.get_or_create(&labels).inc();
        let label = ProviderLabel { provider };
        self.provider
            .get_or_create(&label)
            .observe(took.as_secs_f64());
    }

    fn reported(&self, provider: &ProviderName, status: ReportStatus, parked: bool) {
        let labels = ReportLabels {
            provider: Name(provider.clone()),
            status: status.as_str(),
        };
        self.reports.get_or_create(&labels).inc();
        if parked {
            self.parked.inc();
        }
    }

    fn held(&self, provider: &ProviderName, pause: Duration) {
        let label = ProviderLabel {
            provider: Name(provider.clone()),
        };
        self.holds.get_or_create(&label).inc();
        let until = Instant::now() + pause;
        let mut held = self
            .held_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        held.insert(provider.clone(), until);
    }

    /// For how many seconds each provider that was ever held still gets nothing.
    pub(super) fn still_held(&self) -> Vec<(ProviderName, f64)> {
        let now = Instant::now();
        let held = self
            .held_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let left = |until: &Instant| until.saturating_duration_since(now).as_secs_f64();
        held.iter()
            .map(|(name, until)| (name.clone(), left(until)))
            .collect()
    }
}
