//! What the processes of one test share, and the words in which rules are written.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Subject;
use super::process::Process;
use crate::testing::{HeldAnswer, ScriptedProvider, SkippingClock, Step};
use crate::{
    Attempt, AttemptOutcome, Capabilities, Clock, EngineBuilder, IncomingReport, Jitter, Message,
    MessageId, NewMessage, Outcome, Provider, ProviderId, ProviderName, ProviderSetup, Reference,
    ReportStatus, RetrySchedule, State, StatusQuery, Subject as Of, Timestamp, UnknownPolicy,
};

/// What must happen happens within this time, on a busy machine as well.
pub(super) const SOON: Duration = Duration::from_secs(60);
/// Long enough for what must not happen to happen.
pub(super) const A_WHILE: Duration = Duration::from_millis(60);
/// The lease of an attempt, and a little more.
pub(super) const LEASE: Duration = Duration::from_secs(61);
/// The delay of a retry at the most, and a little more.
pub(super) const RETRY: Duration = Duration::from_secs(61);
/// The time after which a message that nobody claims is hinted again, and a little more.
pub(super) const HINT: Duration = Duration::from_secs(6);
/// How long after it was taken the report of a message may come.
pub(super) const WINDOW: Duration = Duration::from_secs(3_600);

pub(super) const UNAVAILABLE: Outcome = Outcome::Unavailable { retry_after: None };

/// What the processes of one test share.
pub(super) struct World {
    place: Subject,
    clock: Arc<SkippingClock>,
    pub(super) provider: Arc<ScriptedProvider>,
    pub(super) query: Option<Arc<dyn StatusQuery>>,
}

impl World {
    /// With a provider that takes everything, and does not de-duplicate.
    pub(super) fn new(place: Subject) -> Self {
        Self::with(place, plain())
    }

    pub(super) fn with(place: Subject, provider: ScriptedProvider) -> Self {
        Self {
            place,
            clock: Arc::new(SkippingClock::new()),
            provider: Arc::new(provider),
            query: None,
        }
    }

    /// A process that accepts messages and takes reports, but submits nothing.
    pub(super) async fn api(&self) -> Process {
        self.process(|builder| builder).await
    }

    /// A process that does everything.
    pub(super) async fn worker(&self) -> Process {
        self.api().await.work().await
    }

    /// A process with settings of its own, which does no work yet.
    pub(super) async fn process(
        &self,
        edit: impl FnOnce(EngineBuilder) -> EngineBuilder + Send + 'static,
    ) -> Process {
        let setup = self.setup(self.provider.clone());
        self.process_at(setup, edit).await
    }

    pub(super) fn setup(&self, provider: Arc<ScriptedProvider>) -> ProviderSetup {
        ProviderSetup {
            report_window: WINDOW,
            query: self.query.clone(),
            ..ProviderSetup::new(provider)
        }
    }

    pub(super) async fn process_at(
        &self,
        setup: ProviderSetup,
        edit: impl FnOnce(EngineBuilder) -> EngineBuilder + Send + 'static,
    ) -> Process {
        let clock = self.clock.clone();
        let build = move |builder: EngineBuilder| {
            let builder = builder
                .clock(clock)
                .provider(setup)
                .retry(retries(3))
                .sweep_interval(Duration::from_millis(10))
                .watch_interval(Duration::from_millis(10));
            edit(builder)
        };
        Process::start(self.place.clone(), build).await
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets this time pass. Only while nothing is under way that it would disturb.
    pub(super) fn skip(&self, time: Duration) {
        self.clock.skip(time);
    }

    /// How many submissions have reached the provider.
    pub(super) fn submissions(&self) -> usize {
        self.provider.submissions().len()
    }

    /// How many messages the provider was given, by their reference.
    pub(super) fn references(&self) -> usize {
        let submissions = self.provider.submissions();
        let references: HashSet<Reference> = submissions
            .iter()
            .map(|submission| submission.reference)
            .collect();
        references.len()
    }

    /// How often the provider was given this message.
    pub(super) fn submissions_of(&self, id: MessageId) -> usize {
        let submissions = self.provider.submissions();
        submissions
            .iter()
            .filter(|submission| submission.id == id)
            .count()
    }

    /// Waits until so many submissions have reached the provider.
    pub(super) async fn until_submitted(&self, count: usize) {
        until("it is submitted", || self.submissions() >= count).await;
    }

    /// Lets retries come due one after the other until the message is in this state.
    pub(super) async fn through_retries(&self, process: &Process, id: MessageId, state: State) {
        let end = Instant::now() + SOON;
        let mut skipped = None;
        loop {
            let message = process.message(id).await;
            if message.state() == state {
                return;
            }
            assert!(!message.state().is_final(), "not {state}: {message:#?}");
            assert!(Instant::now() < end, "never {state}: {message:#?}");
            let ready_at = message.progress.ready_at;
            if ready_at.is_some() && ready_at != skipped {
                skipped = ready_at;
                self.skip(RETRY);
            }
            sleep(Duration::from_millis(3)).await;
        }
    }
}

/// Waits for something that other tasks bring about.
pub(super) async fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + SOON;
    while !is_so() {
        assert!(Instant::now() < end, "never: {what}");
        sleep(Duration::from_millis(2)).await;
    }
}

/// Delays of 30 s and then 60 s.
pub(super) fn retries(most: u32) -> RetrySchedule {
    let (base, cap) = (Duration::from_secs(30), Duration::from_secs(60));
    RetrySchedule::new(base, cap, most, Jitter::None).expect("a schedule")
}

pub(super) fn main_provider() -> ProviderName {
    "main".parse().expect("a name")
}

pub(super) fn plain() -> ScriptedProvider {
    ScriptedProvider::new("main").expect("a name")
}

pub(super) fn de_duplicating() -> ScriptedProvider {
    let plain = plain();
    let capabilities = Capabilities {
        deduplicates: true,
        ..plain.capabilities()
    };
    plain.capable_of(capabilities)
}

/// A provider whose first answers the test gives.
pub(super) fn holding<const N: usize>(
    provider: ScriptedProvider,
) -> (ScriptedProvider, [HeldAnswer; N]) {
    let held = [(); N].map(|()| Step::held());
    let answers = held.map(|(step, answer)| {
        provider.push([step]);
        answer
    });
    (provider, answers)
}

pub(super) fn new_message() -> NewMessage {
    NewMessage::new(
        "+79991234567".parse().expect("a number"),
        "Your code is 123456".parse().expect("a text"),
    )
}

pub(super) fn with_policy(on_unknown: UnknownPolicy) -> NewMessage {
    NewMessage {
        on_unknown,
        ..new_message()
    }
}

pub(super) fn provider_id(id: &str) -> ProviderId {
    id.parse().expect("a provider id")
}

pub(super) fn taken(id: &str) -> Outcome {
    let provider_id = Some(provider_id(id));
    Outcome::Accepted { provider_id }
}

fn about(subject: Of, status: ReportStatus) -> IncomingReport {
    IncomingReport {
        subject,
        status,
        provider_id: None,
        receipt_id: None,
        code: None,
        text: None,
    }
}

/// A report that names our reference.
pub(super) fn by_reference(id: MessageId, status: ReportStatus) -> IncomingReport {
    about(Of::Reference(id.reference()), status)
}

/// A report that names the provider's id.
pub(super) fn by_provider_id(id: &str, status: ReportStatus) -> IncomingReport {
    about(Of::ProviderId(provider_id(id)), status)
}

/// A report that does not name its message.
pub(super) fn unnamed(status: ReportStatus) -> IncomingReport {
    about(Of::Unnamed, status)
}

pub(super) fn outcomes(message: &Message) -> Vec<Option<AttemptOutcome>> {
    let outcome = |attempt: &Attempt| attempt.outcome;
    message.progress.attempts.iter().map(outcome).collect()
}

pub(super) fn states(message: &Message) -> Vec<State> {
    message
        .progress
        .timeline
        .iter()
        .map(|one| one.state)
        .collect()
}
