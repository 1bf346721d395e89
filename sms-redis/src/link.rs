//! A connection that mends itself.
//!
//! A task watches over it and makes a new one when it ends, when calls or heartbeats went
//! unanswered three times in a row, and when the server turns out not to be a master. Callers
//! wait for it, each for as long as it may.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Pipeline, Value};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::dial::{Dialer, Live, Target, is_master};
use crate::error::Failure;

/// After so many calls in a row without an answer the connection is taken for dead. A library's
/// own manager would keep it: nothing tells a server that is silent from one that is gone.
const TIMEOUTS: u32 = 3;

/// How often a connection is tried out, so that one that died while nobody used it is replaced
/// before the next call.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Sentinels are asked for the master at every second beat. A master that was cut off from them
/// still takes itself for one, and what it is told then is lost.
const BEATS_TO_RESOLVE: u64 = 2;

/// Pauses between tries to connect: half to all of a time that doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A connection that lived so long was a good one.
const SETTLED: Duration = Duration::from_secs(5);

/// A connection to one server, whichever connection that is.
#[derive(Debug)]
pub(crate) struct Link {
    state: Arc<State>,
    supervisor: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    target: Target,
    timeout: Duration,
    current: watch::Sender<Option<Current>>,
    /// The latest connection that was found to be of no use.
    useless: watch::Sender<u64>,
    timeouts: AtomicU32,
    /// How many connections there were.
    made: AtomicU64,
    /// Why the latest try failed.
    last_failure: Mutex<Option<Arc<Failure>>>,
}

/// A connection with its number.
#[derive(Debug, Clone)]
pub(crate) struct Current {
    number: u64,
    connection: MultiplexedConnection,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.supervisor.abort();
    }
}

impl Link {
    pub(crate) fn start(dialer: Arc<Dialer>, target: Target, timeout: Duration) -> Self {
        let state = Arc::new(State {
            target,
            timeout,
            current: watch::Sender::new(None),
            useless: watch::Sender::new(0),
            timeouts: AtomicU32::new(0),
            made: AtomicU64::new(0),
            last_failure: Mutex::new(None),
        });
        let supervisor = tokio::spawn(Arc::clone(&state).supervise(dialer));
        Self { state, supervisor }
    }

    /// The connection, as soon as there is one.
    pub(crate) async fn connected(&self, until: Instant) -> Result<Current, Failure> {
        let mut watched = self.state.current.subscribe();
        let ready = timeout_at(until, watched.wait_for(Option::is_some)).await;
        match ready {
            Ok(Ok(current)) => current.clone().ok_or_else(|| self.state.not_connected()),
            _ => Err(self.state.not_connected()),
        }
    }

    /// Sends commands over a connection and waits for the answers.
    pub(crate) async fn send(
        &self,
        over: &Current,
        pipe: &Pipeline,
        until: Instant,
    ) -> Result<Vec<Value>, Failure> {
        let mut connection = over.connection.clone();
        let answered = connection.send_packed_commands(pipe, 0, pipe.len());
        match timeout_at(until, answered).await {
            Ok(Ok(answers)) => {
                self.state.answered();
                Ok(answers)
            }
            Ok(Err(error)) => {
                self.replace(over);
                Err(Failure::Broken(error))
            }
            Err(_) => {
                self.state.timed_out(over.number);
                Err(Failure::Timeout {
                    server: self.state.target.to_string(),
                })
            }
        }
    }

    /// Whether there is a connection, and how many there were since the start, this one included.
    pub(crate) fn condition(&self) -> (bool, u64) {
        let is_up = self.state.current.borrow().is_some();
        (is_up, self.state.made.load(Ordering::Relaxed))
    }

    /// Has another connection made in place of this one; says whether that is news.
    pub(crate) fn replace(&self, over: &Current) -> bool {
        self.state.give_up(over.number)
    }

    /// The same, whichever connection there is.
    pub(crate) fn replace_any(&self) {
        let number = self.state.current.borrow().as_ref().map(|over| over.number);
        if let Some(number) = number {
            self.state.give_up(number);
        }
    }
}

impl State {
    fn not_connected(&self) -> Failure {
        let last = self.last_failure.lock();
        Failure::NotConnected {
            server: self.target.to_string(),
            source: last.unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    fn answered(&self) {
        self.timeouts.store(0, Ordering::Relaxed);
    }

    fn timed_out(&self, number: u64) {
        if self.timeouts.fetch_add(1, Ordering::Relaxed) + 1 >= TIMEOUTS {
            self.give_up(number);
        }
    }

    fn give_up(&self, number: u64) -> bool {
        self.useless.send_if_modified(|useless| {
            let is_news = *useless < number;
            *useless = number.max(*useless);
            is_news
        })
    }

    async fn supervise(self: Arc<Self>, dialer: Arc<Dialer>) {
        let mut pause = FIRST_PAUSE;
        for number in 1.. {
            match dialer.dial(&self.target).await {
                Ok(live) => {
                    let since = Instant::now();
                    self.serve(number, live, &dialer).await;
                    if since.elapsed() > SETTLED {
                        pause = FIRST_PAUSE;
                    }
                }
                Err(failure) => self.note(failure),
            }
            sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Keeps why there is no connection. What somebody has to change is told, but not at every try.
    fn note(&self, failure: Failure) {
        let server = &self.target;
        let mut last = self
            .last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_known = |last: &Arc<Failure>| last.to_string() == failure.to_string();
        if matches!(failure, Failure::Unfit(_)) && !last.as_ref().is_some_and(is_known) {
            tracing::error!(%server, %failure, "Redis is not used as long as it is set up so");
        } else {
            tracing::debug!(%server, %failure, "no connection to Redis");
        }
        *last = Some(Arc::new(failure));
    }

    /// Lends the connection out until it is of no use any more.
    async fn serve(&self, number: u64, mut live: Live, dialer: &Dialer) {
        self.answered();
        self.made.fetch_add(1, Ordering::Relaxed);
        let connection = live.connection.clone();
        self.current
            .send_replace(Some(Current { number, connection }));
        let mut useless = self.useless.subscribe();
        let beat = self.beat(number, live.connection.clone(), &live.address, dialer);
        tokio::select! {
            _ = &mut live.driver.0 => {}
            _ = useless.wait_for(|useless| *useless >= number) => {}
            () = beat => {}
        }
        self.current.send_replace(None);
        tracing::info!(server = %self.target, "the connection to Redis is made anew");
    }

    /// Ends when the server no longer serves as the master. A connection over which nothing is
    /// written would not notice that by itself.
    async fn beat(
        &self,
        number: u64,
        mut connection: MultiplexedConnection,
        address: &str,
        dialer: &Dialer,
    ) {
        let mut questions = Pipeline::new();
        questions.cmd("PING").cmd("ROLE");
        for beats in 1_u64.. {
            sleep(HEARTBEAT).await;
            let answers = connection.send_packed_commands(&questions, 0, questions.len());
            match timeout(self.timeout, answers).await {
                Ok(Ok(answers)) if serves_as_master(&answers) => self.answered(),
                Ok(_) => return,
                Err(_) => self.timed_out(number),
            }
            if beats % BEATS_TO_RESOLVE == 0 && dialer.has_moved(&self.target, address).await {
                return;
            }
        }
    }
}

/// What the server answers to PING and ROLE.
fn serves_as_master(answers: &[Value]) -> bool {
    match answers {
        [Value::ServerError(_), ..] => false,
        [_, role] => is_master(role),
        _ => false,
    }
}
