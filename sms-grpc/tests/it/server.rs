//! A server for one test.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sms_core::testing::{Call, Fault, Faults, FaultyStore, ScriptedProvider, Step};
use sms_core::{
    Engine, IncomingReport, MemoryQueue, MemoryStore, Message, MessageId, ProviderSetup,
    ReportStatus, Running, State, Subject,
};
use sms_grpc::proto::legacy::sms_service_client::SmsServiceClient;
use sms_grpc::proto::v1::message_service_client::MessageServiceClient;
use sms_grpc::proto::v1::{Message as WireMessage, SendMessageRequest};
use sms_grpc::{BoundServer, GrpcConfig, GrpcServer, Health, RefusedKeys};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};
use tonic_types::{ErrorDetails, StatusExt as _};

pub(crate) const NUMBER: &str = "+79991234567";
pub(crate) const PROVIDER: &str = "main";

/// A server that runs until the end of its test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) engine: Engine,
    pub(crate) provider: Arc<ScriptedProvider>,
    pub(crate) health: Health,
    pub(crate) refused_keys: RefusedKeys,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
    work: Option<Running>,
}

/// What is special about a test's server.
pub(crate) struct Setup {
    pub(crate) config: GrpcConfig,
    pub(crate) faults: Option<Arc<dyn Faults>>,
    /// Whether messages are submitted. Else they stay queued.
    pub(crate) works: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            config: GrpcConfig::new(([127, 0, 0, 1], 0).into()),
            faults: None,
            works: false,
        }
    }
}

impl Setup {
    pub(crate) fn configure(change: impl FnOnce(&mut GrpcConfig)) -> Self {
        let mut setup = Self::default();
        change(&mut setup.config);
        setup
    }

    pub(crate) fn with_faults(mut self, faults: Arc<dyn Faults>) -> Self {
        self.faults = Some(faults);
        self
    }

    pub(crate) fn start(self) -> Server {
        let provider = Arc::new(ScriptedProvider::new(PROVIDER).unwrap());
        let engine = engine(Arc::clone(&provider), self.faults);
        let work = self.works.then(|| engine.start());
        let bound = GrpcServer::bind(self.config, engine.clone()).unwrap();
        Server::serve(bound, engine, provider, work)
    }
}

pub(crate) fn engine(provider: Arc<ScriptedProvider>, faults: Option<Arc<dyn Faults>>) -> Engine {
    let mut store: Arc<dyn sms_core::Store> = Arc::new(MemoryStore::default());
    if let Some(faults) = faults {
        store = Arc::new(FaultyStore::new(store, faults));
    }
    Engine::builder(store, Arc::new(MemoryQueue::default()))
        .provider(ProviderSetup::new(provider))
        .build()
        .unwrap()
}

/// An engine that is never asked for anything.
pub(crate) fn idle_engine() -> Engine {
    engine(Arc::new(ScriptedProvider::new(PROVIDER).unwrap()), None)
}

impl Server {
    /// Messages stay queued.
    pub(crate) fn start() -> Self {
        Setup::default().start()
    }

    /// Messages are submitted to a provider that does these steps, then takes everything.
    pub(crate) fn working(steps: impl IntoIterator<Item = impl Into<Step>>) -> Self {
        let setup = Setup {
            works: true,
            ..Setup::default()
        };
        let server = setup.start();
        server.provider.push(steps);
        server
    }

    fn serve(
        bound: BoundServer,
        engine: Engine,
        provider: Arc<ScriptedProvider>,
        work: Option<Running>,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        Self {
            address: bound.local_addr(),
            health: bound.health(),
            refused_keys: bound.refused_keys(),
            serving: tokio::spawn(bound.serve(async {
                let _ = stopped.await;
            })),
            engine,
            provider,
            stop: Some(stop),
            work,
        }
    }

    pub(crate) async fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).unwrap();
        endpoint.connect().await.unwrap()
    }

    pub(crate) async fn v1(&self) -> MessageServiceClient<Channel> {
        MessageServiceClient::new(self.channel().await)
    }

    pub(crate) async fn legacy(&self) -> SmsServiceClient<Channel> {
        SmsServiceClient::new(self.channel().await)
    }

    /// Sends a message; its id.
    pub(crate) async fn send(&self) -> MessageId {
        let sent = self.v1().await.send_message(to_send()).await.unwrap();
        sent.into_inner().message.unwrap().id.parse().unwrap()
    }

    /// Waits until the message is in the state.
    pub(crate) async fn reaches(&self, id: MessageId, state: State) -> Message {
        let mut watch = self.engine.watch(id).await.unwrap().unwrap();
        let reached = async {
            loop {
                let message = watch.next().await.unwrap().unwrap();
                if message.state() == state {
                    return message;
                }
            }
        };
        in_time(reached).await
    }

    /// The provider reports on the message.
    pub(crate) async fn report(&self, id: MessageId, status: ReportStatus) {
        let report = IncomingReport {
            subject: Subject::Id(id),
            status,
            provider_id: None,
            receipt_id: Some("receipt-1".into()),
            code: Some("000".into()),
            text: Some("stat:DELIVRD".into()),
        };
        let provider = PROVIDER.parse().unwrap();
        self.engine.report(&provider, report).await.unwrap();
    }

    /// Begins the shutdown.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits for the end of the shutdown.
    pub(crate) async fn stopped(mut self) {
        self.stop();
        drop(self.work.take());
        in_time(self.serving).await.unwrap();
    }
}

/// Fails the test instead of hanging it.
pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("within 20 s")
}

/// A request that is right.
pub(crate) fn to_send() -> SendMessageRequest {
    SendMessageRequest {
        to: NUMBER.into(),
        text: "Hello".into(),
        ..SendMessageRequest::default()
    }
}

/// What an error says: its reason, and the details.
pub(crate) fn details(status: &tonic::Status) -> (String, ErrorDetails) {
    let details = status.check_error_details().unwrap();
    let info = details.error_info().expect("every error has its reason");
    assert_eq!(info.domain, "sms");
    (info.reason.clone(), details)
}

/// The fields that an error blames.
pub(crate) fn blamed(status: &tonic::Status) -> Vec<String> {
    let (_, details) = details(status);
    let violations = details
        .bad_request()
        .map(|bad| bad.field_violations.clone());
    let violations = violations.unwrap_or_default();
    assert!(violations.iter().all(|v| !v.description.is_empty()));
    violations.into_iter().map(|v| v.field).collect()
}

pub(crate) fn states(messages: &[WireMessage]) -> Vec<&'static str> {
    messages.iter().map(|m| m.state().as_str_name()).collect()
}

/// Does one fault to every call of one method of the store, and tells when it is called.
#[derive(Debug)]
pub(crate) struct FaultOn {
    pub(crate) method: &'static str,
    pub(crate) fault: Fault,
    pub(crate) called: Notify,
}

impl FaultOn {
    pub(crate) fn new(method: &'static str, fault: Fault) -> Arc<Self> {
        Arc::new(Self {
            method,
            fault,
            called: Notify::new(),
        })
    }
}

impl Faults for FaultOn {
    fn choose(&self, call: Call) -> Fault {
        if call.method != self.method {
            return Fault::None;
        }
        self.called.notify_one();
        self.fault
    }
}
