//! An engine with everything around it, and the means to disturb that.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sms_core::testing::{FaultyQueue, FaultyStore};
use sms_core::testing::{ScriptedProvider, SeededEntropy, Switch, TokioClock};
use sms_core::{
    Engine, EngineBuilder, IncomingReport, Jitter, MemoryQueue, MemoryStore, Message, MessageId,
    NewMessage, Observation, Observer, Outcome, ProviderId, ProviderName, ProviderSetup, Queue,
    Reference, ReportStatus, RetrySchedule, State, Store, Subject, Timestamp,
};
use tokio::time::Instant;

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub(super) const UNAVAILABLE: Outcome = Outcome::Unavailable { retry_after: None };

pub(super) fn accepted(id: &str) -> Outcome {
    let provider_id = Some(id.parse().unwrap());
    Outcome::Accepted { provider_id }
}

pub(super) fn name(name: &str) -> ProviderName {
    name.parse().unwrap()
}

pub(super) fn new_message() -> NewMessage {
    NewMessage::new(
        "+79991234567".parse().unwrap(),
        "Your code is 123456".parse().unwrap(),
    )
}

/// What the processes of one test share.
#[derive(Debug, Clone)]
pub(super) struct Rig {
    pub(super) store: Arc<MemoryStore>,
    pub(super) queue: Arc<MemoryQueue>,
    pub(super) clock: TokioClock,
    pub(super) provider: Arc<ScriptedProvider>,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with(ScriptedProvider::new("main").unwrap())
    }

    pub(super) fn with(provider: ScriptedProvider) -> Self {
        Self {
            store: Arc::new(MemoryStore::new()),
            queue: Arc::new(MemoryQueue::new()),
            clock: TokioClock::starting_at(START),
            provider: Arc::new(provider),
        }
    }

    pub(super) fn setup(&self) -> ProviderSetup {
        ProviderSetup {
            report_window: 600 * SECOND,
            ..ProviderSetup::new(self.provider.clone())
        }
    }

    /// A process without a provider yet.
    pub(super) fn bare(&self, switch: &Arc<Switch>) -> EngineBuilder {
        let store = FaultyStore::new(self.store.clone(), switch.clone());
        let queue = FaultyQueue::new(self.queue.clone(), switch.clone());
        self.over(Arc::new(store), Arc::new(queue))
    }

    pub(super) fn over(&self, store: Arc<dyn Store>, queue: Arc<dyn Queue>) -> EngineBuilder {
        let retry = RetrySchedule::new(5 * SECOND, 600 * SECOND, 11, Jitter::None);
        Engine::builder(store, queue)
            .clock(Arc::new(self.clock))
            .entropy(Arc::new(SeededEntropy::new(rand_seed())))
            .retry(retry.unwrap())
    }

    /// The provider with a throughput.
    pub(super) fn limited_to(&self, throughput: &str) -> ProviderSetup {
        ProviderSetup {
            throughput: Some(throughput.parse().unwrap()),
            ..self.setup()
        }
    }

    /// A process that goes wrong when told to.
    pub(super) fn disturbed(&self) -> (Engine, Arc<Switch>) {
        let switch = Arc::new(Switch::default());
        let engine = self.bare(&switch).provider(self.setup()).build().unwrap();
        (engine, switch)
    }

    /// A process to which nothing happens.
    pub(super) fn engine(&self) -> Engine {
        self.disturbed().0
    }

    pub(super) fn submissions(&self) -> usize {
        self.provider.submissions().len()
    }

    pub(super) async fn message(&self, id: MessageId) -> Message {
        let loaded = self.store.load(&[id]).await.unwrap().remove(0);
        loaded.unwrap()
    }

    pub(super) async fn state(&self, id: MessageId) -> State {
        self.message(id).await.state()
    }

    /// Waits in virtual time until the message is in this state.
    pub(super) async fn until(&self, id: MessageId, state: State) -> Message {
        let end = Instant::now() + 100_000 * SECOND;
        loop {
            let message = self.message(id).await;
            if message.state() == state {
                return message;
            }
            let now = message.state();
            assert!(!now.is_final(), "{now}, not {state}: {message:#?}");
            assert!(Instant::now() < end, "for ever {now}, never {state}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits in virtual time until so many submissions have reached the provider.
    pub(super) async fn until_submitted(&self, count: usize) {
        while self.submissions() < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Every engine of a test draws its own claims.
fn rand_seed() -> u64 {
    use sms_core::Entropy as _;
    sms_core::SystemEntropy.next_u64()
}

pub(super) async fn accept(engine: &Engine) -> MessageId {
    accept_as(engine, new_message()).await
}

pub(super) async fn accept_as(engine: &Engine, new: NewMessage) -> MessageId {
    engine.accept(new).await.unwrap().message.id()
}

pub(super) fn about(subject: Subject, status: ReportStatus) -> IncomingReport {
    IncomingReport {
        subject,
        status,
        provider_id: None,
        receipt_id: None,
        code: None,
        text: None,
    }
}

pub(super) fn by_reference(reference: Reference, status: ReportStatus) -> IncomingReport {
    about(Subject::Reference(reference), status)
}

pub(super) fn by_provider_id(id: &str, status: ReportStatus) -> IncomingReport {
    let id: ProviderId = id.parse().unwrap();
    about(Subject::ProviderId(id), status)
}

/// Writes down what the engine tells.
#[derive(Debug, Default)]
pub(super) struct Diary(Mutex<Vec<String>>);

impl Diary {
    pub(super) fn entries(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(super) fn count(&self, entry: &str) -> usize {
        let entries = self.0.lock().unwrap();
        entries.iter().filter(|one| one.starts_with(entry)).count()
    }
}

impl Observer for Diary {
    fn observe(&self, observation: &Observation<'_>) {
        let entry = match observation {
            Observation::Accepted { replayed, .. } => format!("accepted, replayed: {replayed}"),
            Observation::Changed { before, message } => {
                format!("{before} -> {}", message.state())
            }
            Observation::AttemptEnded { attempt, took, .. } => {
                let outcome = attempt.outcome.map_or("none", |outcome| outcome.as_str());
                format!("attempt {}: {outcome} after {took:?}", attempt.number)
            }
            Observation::Reported { status, parked, .. } => {
                format!("reported {}, parked: {parked}", status.as_str())
            }
            Observation::HintsLost { messages } => format!("hints lost: {messages}"),
            Observation::Held { provider, pause } => format!("{provider} held for {pause:?}"),
            other => format!("{other:?}"),
        };
        self.0.lock().unwrap().push(entry);
    }
}
