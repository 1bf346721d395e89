//! The threads that read.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use sms_core::StoreError;
use tokio::sync::{mpsc, oneshot};

use crate::error::Failure;

/// Calls that wait for a thread; further ones wait outside.
const QUEUE: usize = 1_024;

type Work = Box<dyn FnOnce(&mut Connection) + Send>;
type Queue = Arc<Mutex<mpsc::Receiver<Work>>>;

/// Hands calls to whichever thread is free. Each has a connection of its own.
#[derive(Debug)]
pub(crate) struct Readers {
    queue: Option<mpsc::Sender<Work>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    pub(crate) fn start(connections: Vec<Connection>) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let queue: Queue = Arc::new(Mutex::new(receiver));
        let mut readers = Self {
            queue: Some(sender),
            threads: Vec::new(),
        };
        for connection in connections {
            let queue = queue.clone();
            let thread = thread::Builder::new()
                .name("sms-sqlite-read".into())
                .spawn(move || serve(connection, &queue))?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Has something read. It sees whatever was committed before this call.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&mut Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let closed = || Arc::new(Failure::Closed).during(doing);
        let (reply, answer) = oneshot::channel();
        let call: Work = Box::new(move |connection| {
            // The caller may be gone.
            let _ = reply.send(work(connection));
        });
        let queue = self.queue.as_ref().ok_or_else(closed)?;
        queue.send(call).await.map_err(|_| closed())?;
        let answer = answer.await.map_err(|_| closed())?;
        answer.map_err(|failure| Arc::new(failure).during(doing))
    }
}

impl Drop for Readers {
    /// Waits until the files are closed.
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            // A panic of the thread has been reported already, by the thread.
            let _ = thread.join();
        }
    }
}

fn serve(mut connection: Connection, queue: &Queue) {
    while let Some(work) = next(queue) {
        work(&mut connection);
    }
}

/// One thread waits for work, the others for their turn to wait.
fn next(queue: &Queue) -> Option<Work> {
    let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
    queue.blocking_recv()
}
