//! The metrics as Prometheus reads them.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use sms_core::{StateCounts, Timestamp};
use sms_grpc::RefusedKeys;

use super::link_metrics::{self, LinkMetrics};
use super::links::Links;
use super::metrics::{Metrics, Name, ProviderLabel, StateLabel};

type FloatGauge = Gauge<f64, std::sync::atomic::AtomicU64>;

/// The registry, with what is looked up at each scrape.
pub(crate) struct Exposition {
    registry: Registry,
    metrics: Arc<Metrics>,
    messages: Family<StateLabel, Gauge<u64, std::sync::atomic::AtomicU64>>,
    overdue: FloatGauge,
    store_up: Gauge,
    held: Family<ProviderLabel, FloatGauge>,
    links: LinkMetrics,
    keys: Option<RefusedKeys>,
    keys_refused: Counter,
}

/// What the store says at a scrape.
pub(crate) struct Stored {
    pub(crate) counts: StateCounts,
    pub(crate) next_deadline: Option<Timestamp>,
    pub(crate) now: Timestamp,
}

impl Exposition {
    pub(crate) fn new(metrics: Arc<Metrics>, links: Links, keys: Option<RefusedKeys>) -> Self {
        let mut registry = Registry::with_prefix("sms");
        let mut exposition = Self {
            links: LinkMetrics::register(&mut registry, links),
            registry,
            metrics,
            messages: Family::default(),
            overdue: Gauge::default(),
            store_up: Gauge::default(),
            held: Family::default(),
            keys,
            keys_refused: Counter::default(),
        };
        exposition.register_counters();
        exposition.register_times();
        exposition.register_gauges();
        exposition.register_keys();
        exposition
    }

    fn register_counters(&mut self) {
        let Self {
            registry, metrics, ..
        } = self;
        registry.register(
            "messages_accepted",
            "Messages accepted for sending",
            metrics.accepted.clone(),
        );
        registry.register(
            "messages_replayed",
            "Requests answered with the message of an earlier one, by their idempotency key",
            metrics.replayed.clone(),
        );
        registry.register(
            "messages_finished",
            "Messages that reached a final state, by state",
            metrics.finished.clone(),
        );
        registry.register(
            "attempts",
            "Submissions to providers that ended, by provider and outcome",
            metrics.attempts.clone(),
        );
        registry.register(
            "reports",
            "Delivery reports taken, by provider and status",
            metrics.reports.clone(),
        );
        registry.register(
            "reports_parked",
            "Delivery reports that came before their message was known",
            metrics.parked.clone(),
        );
        registry.register(
            "hints_lost",
            "Messages whose hint the queue did not take at once; it is offered again",
            metrics.hints_lost.clone(),
        );
        registry.register(
            "hints_dropped",
            "Messages whose hint was given up; they go out when their deadlines pass",
            metrics.hints_dropped.clone(),
        );
        registry.register(
            "provider_holds",
            "How often a provider was given nothing for a while, by its wish or because it failed",
            metrics.holds.clone(),
        );
    }

    fn register_times(&mut self) {
        let Self {
            registry, metrics, ..
        } = self;
        registry.register_with_unit(
            "accept_to_first_attempt",
            "Seconds from accepting a message, or from the time it was to be sent at, to its \
             first attempt",
            Unit::Seconds,
            metrics.first_attempt.clone(),
        );
        registry.register_with_unit(
            "accept_to_delivered",
            "Seconds from accepting a message, or from the time it was to be sent at, to the \
             report of its delivery",
            Unit::Seconds,
            metrics.delivered.clone(),
        );
        registry.register_with_unit(
            "provider",
            "Seconds that a provider took to answer a submission",
            Unit::Seconds,
            metrics.provider.clone(),
        );
    }

    fn register_gauges(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "messages",
            "Messages in the store, by state",
            self.messages.clone(),
        );
        registry.register_with_unit(
            "oldest_overdue_deadline",
            "Seconds by which the oldest deadline of a message has passed, 0 if none has: how far \
             the work is behind",
            Unit::Seconds,
            self.overdue.clone(),
        );
        registry.register(
            "store_up",
            "Whether the store answered at this scrape: 1 or 0",
            self.store_up.clone(),
        );
        registry.register_with_unit(
            "provider_held",
            "Seconds for which a provider still gets nothing",
            Unit::Seconds,
            self.held.clone(),
        );
        let started: FloatGauge = Gauge::default();
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        started.set(since_epoch.as_secs_f64());
        registry.register_with_unit(
            "start_time",
            "When this process started, in seconds since 1970",
            Unit::Seconds,
            started,
        );
        let version = vec![("version", env!("CARGO_PKG_VERSION"))];
        registry.register("build", "The version of this program", Info::new(version));
    }

    fn register_keys(&mut self) {
        if self.keys.is_some() {
            self.registry.register(
                "api_key_refusals",
                "Calls refused because they showed no API key, or none that is known",
                self.keys_refused.clone(),
            );
        }
    }

    /// All metrics as text. Without word from the store, what only it knows is left out.
    pub(crate) fn render(&self, stored: Option<&Stored>) -> Result<String, fmt::Error> {
        self.links.update();
        if let Some(keys) = &self.keys {
            link_metrics::set(&self.keys_refused, keys.count());
        }
        self.store_up.set(i64::from(stored.is_some()));
        self.messages.clear();
        self.overdue.set(f64::NAN);
        if let Some(stored) = stored {
            for (state, count) in stored.counts.iter() {
                let label = StateLabel {
                    state: state.as_str(),
                };
                self.messages.get_or_create(&label).set(count);
            }
            let late = |deadline| stored.now.since(deadline).as_secs_f64();
            self.overdue.set(stored.next_deadline.map_or(0.0, late));
        }
        for (name, seconds) in self.metrics.still_held() {
            let label = ProviderLabel {
                provider: Name(name),
            };
            self.held.get_or_create(&label).set(seconds);
        }
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sms_core::{Observation, Observer as _, ReportStatus, State};

    use super::*;

    fn stored() -> Stored {
        let mut counts = StateCounts::default();
        counts.set(State::Queued, 3);
        Stored {
            counts,
            next_deadline: Some(Timestamp::from_millis(10_000)),
            now: Timestamp::from_millis(12_500),
        }
    }

    #[test]
    fn what_is_observed_is_shown() {
        let metrics = Arc::new(Metrics::default());
        let provider = "main".parse().unwrap();
        metrics.observe(&Observation::Reported {
            provider: &provider,
            status: ReportStatus::Delivered,
            parked: true,
        });
        metrics.observe(&Observation::HintsLost { messages: 7 });
        metrics.observe(&Observation::HintsDropped { messages: 6 });
        metrics.observe(&Observation::Held {
            provider: &provider,
            pause: Duration::from_secs(3_600),
        });
        let text = Exposition::new(metrics, Links::default(), None)
            .render(Some(&stored()))
            .unwrap();
        for line in [
            "sms_messages_accepted_total 0",
            "sms_reports_total{provider=\"main\",status=\"delivered\"} 1",
            "sms_reports_parked_total 1",
            "sms_hints_lost_total 7",
            "sms_hints_dropped_total 6",
            "sms_provider_holds_total{provider=\"main\"} 1",
            "sms_messages{state=\"queued\"} 3",
            "sms_messages{state=\"delivered\"} 0",
            "sms_oldest_overdue_deadline_seconds 2.5",
            "sms_store_up 1",
            "sms_accept_to_first_attempt_seconds_count 0",
        ] {
            assert!(text.lines().any(|given| given == line), "{line} in {text}");
        }
        assert!(
            text.contains("sms_provider_held_seconds{provider=\"main\"} 3599."),
            "{text}"
        );
    }

    #[test]
    fn what_alerts_count_is_there_before_it_happens() {
        let provider = "main".parse().unwrap();
        let metrics = Arc::new(Metrics::of([&provider].into_iter()));
        let text = Exposition::new(metrics, Links::default(), None)
            .render(None)
            .unwrap();
        for line in [
            "sms_messages_finished_total{state=\"failed\"} 0",
            "sms_messages_finished_total{state=\"expired\"} 0",
            "sms_attempts_total{provider=\"main\",outcome=\"unauthorized\"} 0",
            "sms_attempts_total{provider=\"main\",outcome=\"accepted\"} 0",
            "sms_reports_total{provider=\"main\",status=\"delivered\"} 0",
            "sms_provider_holds_total{provider=\"main\"} 0",
        ] {
            assert!(text.lines().any(|given| given == line), "{line} in {text}");
        }
        for never in ["given_back", "state=\"queued\""] {
            assert!(!text.contains(never), "{never} in {text}");
        }
    }

    #[test]
    fn refused_keys_are_told_where_calls_are_taken() {
        let with = |keys| {
            let exposition = Exposition::new(Arc::default(), Links::default(), keys);
            exposition.render(None).unwrap()
        };
        let line = "sms_api_key_refusals_total 0\n";
        assert!(with(Some(RefusedKeys::default())).contains(line));
        assert!(!with(None).contains("sms_api_key_refusals"));
    }

    #[test]
    fn a_deadline_ahead_is_not_overdue() {
        let mut stored = stored();
        stored.next_deadline = Some(Timestamp::from_millis(99_000));
        let text = Exposition::new(Arc::default(), Links::default(), None)
            .render(Some(&stored))
            .unwrap();
        assert!(
            text.contains("sms_oldest_overdue_deadline_seconds 0.0\n"),
            "{text}"
        );
    }

    #[test]
    fn a_silent_store_is_told_and_not_guessed_at() {
        let exposition = Exposition::new(Arc::default(), Links::default(), None);
        exposition.render(Some(&stored())).unwrap();
        let text = exposition.render(None).unwrap();
        assert!(text.contains("sms_store_up 0\n"), "{text}");
        assert!(!text.contains("sms_messages{"), "{text}");
    }

    #[test]
    fn every_metric_has_a_help_text() {
        let text = Exposition::new(Arc::default(), Links::default(), None)
            .render(Some(&stored()))
            .unwrap();
        let names = |kind: &str| {
            let line = |line: &str| {
                let rest = line.strip_prefix(kind)?;
                Some(rest.split(' ').next().unwrap_or_default().to_owned())
            };
            text.lines().filter_map(line).collect::<Vec<_>>()
        };
        assert_eq!(names("# HELP "), names("# TYPE "));
        assert!(names("# HELP ").len() >= 10, "{text}");
    }
}
