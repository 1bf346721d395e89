//! A process: an engine on a runtime of its own.

use std::sync::Arc;
use std::thread::{self, JoinHandle as Thread};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::Subject;
use super::world::SOON;
use crate::testing::{FaultyQueue, FaultyStore, Switch};
use crate::{
    AcceptError, Accepted, Canceled, Drained, Engine, EngineBuilder, IncomingReport, Message,
    MessageId, NewMessage, Reported, Running, State,
};

/// An engine on a runtime of its own. Dropped, it dies where it is.
pub(super) struct Process {
    engine: Engine,
    /// Makes the calls of this process to its store and queue go wrong.
    pub(super) switch: Arc<Switch>,
    runtime: Handle,
    running: Mutex<Option<Running>>,
    life: Option<Life>,
}

/// The thread of a process, and what ends it when it is dropped.
type Life = (oneshot::Sender<()>, Thread<()>);

/// What a thread of a process tells when it is up.
type Born = (Engine, Arc<Switch>, Handle);

impl Process {
    /// Starts one that does no work yet.
    pub(super) async fn start(
        place: Subject,
        build: impl FnOnce(EngineBuilder) -> EngineBuilder + Send + 'static,
    ) -> Self {
        let (tell_born, born) = oneshot::channel::<Born>();
        let (life, end) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime");
            runtime.block_on(async move {
                let (engine, switch) = connect(place, build).await;
                let _ = tell_born.send((engine, switch, Handle::current()));
                // The sender is never used, only dropped.
                let _ = end.await;
            });
            // Every task ends at the await where it is, as if the process were killed.
            drop(runtime);
        });
        let (engine, switch, runtime) = born.await.expect("the process starts");
        Self {
            engine,
            switch,
            runtime,
            running: Mutex::default(),
            life: Some((life, thread)),
        }
    }

    /// Makes it work: submit, sweep.
    pub(super) async fn work(self) -> Self {
        let running = self.call(async |engine| engine.start()).await;
        *self.running.lock().await = Some(running);
        self
    }

    /// Kills it, and returns when it is dead.
    pub(super) fn kill(self) {
        drop(self);
    }

    /// Stops it in the orderly way.
    pub(super) async fn drain(&self) -> Drained {
        let running = self.running.lock().await.take().expect("it works");
        let drained = self.runtime.spawn(running.drain(SOON));
        drained.await.expect("the process lives")
    }

    /// Begins something in this process, which may end before it.
    pub(super) fn begin<T, F>(&self, call: impl FnOnce(Engine) -> F) -> JoinHandle<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        self.runtime.spawn(call(self.engine.clone()))
    }

    /// Does something in this process.
    pub(super) async fn call<T, F>(&self, call: impl FnOnce(Engine) -> F) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        self.begin(call).await.expect("the process lives")
    }

    pub(super) async fn try_accept(&self, new: NewMessage) -> Result<Accepted, AcceptError> {
        self.call(async move |engine| engine.accept(new).await)
            .await
    }

    pub(super) async fn accept(&self, new: NewMessage) -> MessageId {
        let accepted = self.try_accept(new).await;
        accepted.expect("it is accepted").message.id()
    }

    pub(super) async fn report(&self, report: IncomingReport) -> Reported {
        let main = super::world::main_provider();
        self.call(async move |engine| engine.report(&main, report).await)
            .await
            .expect("the report is kept")
    }

    pub(super) async fn cancel(&self, id: MessageId) -> Canceled {
        self.call(async move |engine| engine.cancel(id).await)
            .await
            .expect("the store answers")
    }

    pub(super) async fn message(&self, id: MessageId) -> Message {
        let message = self.call(async move |engine| engine.message(id).await);
        message
            .await
            .expect("the store answers")
            .expect("it is there")
    }

    pub(super) async fn state(&self, id: MessageId) -> State {
        self.message(id).await.state()
    }

    /// Waits until the message is in this state.
    pub(super) async fn until(&self, id: MessageId, state: State) -> Message {
        let end = Instant::now() + SOON;
        loop {
            let message = self.message(id).await;
            let now = message.state();
            if now == state {
                return message;
            }
            // What is unknown may still be settled.
            let over = now.is_final() && now != State::Unknown;
            assert!(
                !over && Instant::now() < end,
                "{now}, not {state}: {message:#?}"
            );
            sleep(Duration::from_millis(3)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some((life, thread)) = self.life.take() {
            drop(life);
            // If it panicked, the one that waits for it has been told.
            let _ = thread.join();
        }
    }
}

async fn connect(
    place: Subject,
    build: impl FnOnce(EngineBuilder) -> EngineBuilder,
) -> (Engine, Arc<Switch>) {
    let (store, queue) = place.connect().await;
    let switch = Arc::new(Switch::default());
    let store = FaultyStore::new(store, switch.clone());
    let queue = FaultyQueue::new(queue, switch.clone());
    let builder = Engine::builder(Arc::new(store), Arc::new(queue));
    let engine = build(builder).build().expect("the engine is well set");
    (engine, switch)
}
