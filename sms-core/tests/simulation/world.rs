//! Everything that a run consists of.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sms_core::testing::{FaultyQueue, FaultyStore, SeededEntropy, TokioClock};
use sms_core::{
    Clock, Engine, Jitter, ListFilter, LocalLimiter, Message, MessageId, ProviderSetup,
    RetrySchedule, Running, Store, Throughput, Timestamp,
};

use crate::books::Books;
use crate::lifeline::Lifeline;
use crate::planted::{HastyStore, ShortLeaseStore};
use crate::provider::{SimProvider, TIMEOUT};
use crate::queue::{Connection, Hints};
use crate::random::Dice;
use crate::run::Plant;

pub(crate) struct World {
    pub(crate) dice: Dice,
    pub(crate) books: Arc<Books>,
    pub(crate) report_window: Duration,
    pub(crate) clock: TokioClock,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) plant: Plant,
    pub(crate) max_retries: u32,
    pub(crate) hints: Hints,
    /// Of every provider, kept over all processes.
    pub(crate) throughput: Option<Throughput>,
    pub(crate) limiter: Arc<LocalLimiter>,
    pub(crate) providers: Vec<Arc<SimProvider>>,
    pub(crate) processes: Mutex<Vec<Process>>,
}

pub(crate) struct Process {
    pub(crate) engine: Engine,
    pub(crate) life: Arc<Lifeline>,
    pub(crate) connection: Connection,
    /// Dropping it would stop the work. One that only accepts does none.
    _running: Option<Running>,
}

impl World {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Starts a process, which sometimes only accepts and takes reports; it dies after so many
    /// calls to its ports.
    pub(crate) fn start_process(&self, calls_to_live: u64, intensity: u64) {
        let works = self.dice.chance(70);
        self.start(works, Some(calls_to_live), intensity);
    }

    /// Starts a process that does everything, and lives.
    pub(crate) fn start_immortal(&self) {
        self.start(true, None, 0);
    }

    fn start(&self, works: bool, calls_to_live: Option<u64>, intensity: u64) {
        let life = Arc::new(Lifeline::new(self.dice.clone(), intensity, calls_to_live));
        let store = FaultyStore::new(self.store_seen_by(&life), life.clone());
        let connection = self.hints.connect();
        let queue = FaultyQueue::new(connection.queue.clone(), life.clone());
        let retry = RetrySchedule::new(
            Duration::from_secs(2),
            Duration::from_secs(20),
            self.max_retries,
            Jitter::Full,
        );
        let mut builder = Engine::builder(Arc::new(store), Arc::new(queue))
            .clock(Arc::new(self.clock))
            .entropy(Arc::new(SeededEntropy::new(self.dice.number(0..u64::MAX))))
            .limiter(self.limiter.clone())
            .retry(retry.unwrap())
            .confirm_window(Duration::from_secs(10))
            .callback_base("http://callback.example")
            .sweep_interval(Duration::from_secs(2));
        for provider in &self.providers {
            builder = builder.provider(ProviderSetup {
                lease: Some(TIMEOUT * 4),
                concurrency: 8,
                report_window: self.report_window,
                throughput: self.throughput,
                ..ProviderSetup::new(provider.clone())
            });
        }
        let engine = builder.build().unwrap();
        let process = Process {
            _running: works.then(|| engine.start()),
            engine,
            life,
            connection,
        };
        self.processes.lock().unwrap().push(process);
    }

    /// What a process sees of the store: that is where some bugs are planted.
    fn store_seen_by(&self, life: &Arc<Lifeline>) -> Arc<dyn Store> {
        let store = Arc::clone(&self.store);
        match self.plant {
            Plant::AcceptBeforeCommit => Arc::new(HastyStore::new(store, Arc::clone(life))),
            Plant::ShortLease => Arc::new(ShortLeaseStore::new(store)),
            _ => store,
        }
    }

    /// A process that somebody outside talks to: alive if there is one.
    pub(crate) fn some_engine(&self) -> Engine {
        let processes = self.processes.lock().unwrap();
        let alive: Vec<&Process> = processes
            .iter()
            .filter(|process| !process.life.is_dead())
            .collect();
        let one = match alive.len() {
            0 => processes.last().unwrap(),
            count => alive[usize::try_from(self.dice.number(0..count as u64)).unwrap()],
        };
        one.engine.clone()
    }

    pub(crate) async fn message(&self, id: MessageId) -> Option<Message> {
        self.store.load(&[id]).await.unwrap().remove(0)
    }

    pub(crate) async fn messages(&self) -> BTreeMap<MessageId, Message> {
        let page = self
            .store
            .list(&ListFilter::default(), None, usize::MAX)
            .await
            .unwrap();
        let pairs = page.messages.into_iter();
        pairs.map(|message| (message.id(), message)).collect()
    }
}
