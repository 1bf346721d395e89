//! An engine in memory, two providers whose answers a test lets through, and the server.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use sms_core::testing::{Call, Fault, Faults, FaultyStore, Port};
use sms_core::{
    Answer, CallbackSupport, Capabilities, Engine, MemoryQueue, MemoryStore, Message, MessageId,
    NewMessage, Outcome, Provider, ProviderName, ReportDecoder, Running, State, Submission,
};
use sms_delivery_http::{Decoders, DeliveryConfig, DeliveryServer};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::decoder::PlainDecoder;

/// No step of a test takes longer, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(60);
/// The signed callback of the provider `signed`, below the public address.
pub(crate) const SIGNED_URL: &str = "http://localhost/callback/signed?x=1";
/// What the callback of the provider `tokened` ends in.
pub(crate) const TOKEN: &str = "callback-token-0123456789";
/// What the header `X-Secret` of the provider `headed` must be.
pub(crate) const SECRET: &str = "hunter2";

/// Takes messages and holds its answers back until the test lets them through. `main` calls its
/// first message `own-1`; the ids of `other` look like references of ours: `own-000000000001`.
#[derive(Debug)]
struct GatedProvider {
    name: ProviderName,
    gate: Arc<Semaphore>,
    count: Mutex<u32>,
    submitted: mpsc::UnboundedSender<Submission>,
}

#[async_trait]
impl Provider for GatedProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            deduplicates: false,
            callback: CallbackSupport::PerMessage,
            timeout: Duration::from_secs(300),
        }
    }

    async fn submit(&self, submission: &Submission) -> Answer {
        let number = {
            let mut count = self.count.lock().unwrap();
            *count += 1;
            *count
        };
        self.submitted.send(submission.clone()).unwrap();
        self.gate.acquire().await.unwrap().forget();
        let provider_id = match self.name.as_str() {
            "main" => format!("own-{number}"),
            _ => format!("own-{number:012}"),
        };
        Outcome::Accepted {
            provider_id: provider_id.parse().ok(),
        }
        .into()
    }
}

/// Chooses one fault for every call of the store, which the test may change.
#[derive(Debug)]
pub(crate) struct StoreFault(Mutex<Fault>);

impl StoreFault {
    pub(crate) fn set(&self, fault: Fault) {
        *self.0.lock().unwrap() = fault;
    }
}

impl Faults for StoreFault {
    fn choose(&self, call: Call) -> Fault {
        assert_eq!(call.port, Port::Store);
        *self.0.lock().unwrap()
    }
}

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) address: SocketAddr,
    pub(crate) store: Arc<StoreFault>,
    pub(crate) gate: Arc<Semaphore>,
    submitted: mpsc::UnboundedReceiver<Submission>,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
    _running: Running,
}

impl World {
    /// Everything in order, and providers that answer at once.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// The same with changes to the configuration.
    pub(crate) async fn with(change: impl FnOnce(&mut DeliveryConfig)) -> Self {
        let store = Arc::new(StoreFault(Mutex::new(Fault::None)));
        let gate = Arc::new(Semaphore::new(1000));
        let (sender, submitted) = mpsc::unbounded_channel();
        let provider = |name: &str| GatedProvider {
            name: name.parse().unwrap(),
            gate: Arc::clone(&gate),
            count: Mutex::new(0),
            submitted: sender.clone(),
        };
        let faulty = FaultyStore::new(Arc::new(MemoryStore::new()), store.clone());
        let engine = Engine::builder(Arc::new(faulty), Arc::new(MemoryQueue::new()))
            .provider(provider("main"))
            .provider(provider("other"))
            .provider(provider("headed"))
            .callback_base("https://sms.example.com")
            .build()
            .unwrap();
        let mut config = config();
        change(&mut config);
        let bound = DeliveryServer::bind(config, engine.clone(), decoders())
            .await
            .unwrap();
        let (stop, stopped) = oneshot::channel();
        Self {
            address: bound.local_addr(),
            server: tokio::spawn(bound.serve(async { stopped.await.unwrap_or(()) })),
            stop: Some(stop),
            _running: engine.start(),
            engine,
            store,
            gate,
            submitted,
        }
    }

    /// Accepts a message and waits until a provider is asked to take it.
    pub(crate) async fn submit(&mut self) -> Submission {
        self.submit_to("main").await
    }

    pub(crate) async fn submit_to(&mut self, provider: &str) -> Submission {
        let new = NewMessage {
            provider: provider.parse().ok(),
            ..NewMessage::new("+79991234567".parse().unwrap(), "hello".parse().unwrap())
        };
        self.engine.accept(new).await.unwrap();
        let submission = tokio::time::timeout(PATIENCE, self.submitted.recv());
        submission.await.expect("submitted in time").unwrap()
    }

    /// A message that its provider has taken.
    pub(crate) async fn sent(&mut self) -> Submission {
        let submission = self.submit().await;
        self.reaches(submission.id, State::Sent).await;
        submission
    }

    /// Waits until the message is in this state.
    pub(crate) async fn reaches(&self, id: MessageId, state: State) -> Message {
        let waiting = async {
            let mut watch = self.engine.watch(id).await.unwrap().unwrap();
            while let Some(message) = watch.next().await {
                let message = message.unwrap();
                if message.state() == state {
                    return message;
                }
            }
            panic!("final, but not {state:?}");
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        waited.unwrap_or_else(|_| panic!("{state:?} not reached"))
    }

    pub(crate) async fn message(&self, id: MessageId) -> Message {
        self.engine.message(id).await.unwrap().unwrap()
    }

    /// Tells the server to stop.
    pub(crate) fn stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    pub(crate) fn has_stopped(&self) -> bool {
        self.server.is_finished()
    }

    /// Waits until the server has stopped.
    pub(crate) async fn stopped(self) {
        let stopped = tokio::time::timeout(PATIENCE, self.server).await;
        stopped.expect("stopped in time").unwrap();
    }
}

/// Any free port.
pub(crate) fn config() -> DeliveryConfig {
    DeliveryConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        public_url: "http://localhost/".into(),
        ..DeliveryConfig::default()
    }
}

pub(crate) fn decoders() -> Decoders {
    let decoder = |name: &str, decoder: PlainDecoder| -> (ProviderName, Arc<dyn ReportDecoder>) {
        (name.parse().unwrap(), Arc::new(decoder))
    };
    HashMap::from([
        decoder("main", PlainDecoder::Unproved),
        decoder("other", PlainDecoder::Unproved),
        decoder("signed", PlainDecoder::Signed(SIGNED_URL)),
        decoder("headed", PlainDecoder::Headed(SECRET.into())),
        decoder("tokened", PlainDecoder::Tokened(TOKEN.into())),
    ])
}

/// The path of the message's own callback, as its provider was told.
pub(crate) fn own_path(submission: &Submission) -> String {
    let url = submission.callback_url.as_ref().unwrap().expose();
    url.strip_prefix("https://sms.example.com")
        .unwrap()
        .to_owned()
}
