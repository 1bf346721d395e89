//! A client that sends all the time, whatever happens to the server, and remembers what was
//! accepted.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sms_grpc::proto::v1::SendMessageRequest;
use sms_grpc::proto::v1::message_service_client::MessageServiceClient;
use tokio::task::JoinHandle;
use tonic::transport::Endpoint;

/// Clients at once.
const CLIENTS: usize = 8;
/// Between two messages of one client: a load that a debug build on a busy machine can take.
const PAUSE: Duration = Duration::from_millis(10);

/// An accepted message.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) id: String,
    pub(crate) reference: String,
}

/// Clients that send until they are stopped.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    books: Arc<Books>,
    clients: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Books {
    accepted: Mutex<Vec<Sent>>,
    /// What was said to calls that failed and were not repeated any more.
    failed: Mutex<Vec<String>>,
}

impl Load {
    /// Begins to send to an address.
    pub(crate) fn start(server: &str) -> Self {
        Self::start_at(&[server.to_owned()])
    }

    /// Begins to send to several. A call that fails at one is repeated once, at the next.
    pub(crate) fn start_at(servers: &[String]) -> Self {
        let (stop, books) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let clients = (0..CLIENTS)
            .map(|number| {
                let clients = servers.iter().map(|server| {
                    let channel = Endpoint::from_shared(server.clone()).unwrap();
                    MessageServiceClient::new(channel.connect_lazy())
                });
                let clients = clients.collect();
                tokio::spawn(send(clients, number, Arc::clone(&stop), Arc::clone(&books)))
            })
            .collect();
        Self {
            stop,
            books,
            clients,
        }
    }

    /// What was said to calls that failed and were not repeated any more.
    pub(crate) fn failed(&self) -> Vec<String> {
        self.books.failed.lock().unwrap().clone()
    }

    /// How many were accepted so far.
    pub(crate) fn count(&self) -> usize {
        self.books.accepted.lock().unwrap().len()
    }

    /// Waits until so many more were accepted.
    pub(crate) async fn goes_on(&self, more: usize) {
        let goal = self.count() + more;
        let arrived = async {
            while self.count() < goal {
                tokio::time::sleep(PAUSE).await;
            }
        };
        let patience = crate::server::PATIENCE;
        tokio::time::timeout(patience, arrived)
            .await
            .expect("messages are accepted");
    }

    /// Stops sending and tells what was accepted.
    pub(crate) async fn stop(self) -> Vec<Sent> {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.unwrap();
        }
        self.books.accepted.lock().unwrap().clone()
    }
}

async fn send(
    mut clients: Vec<MessageServiceClient<tonic::transport::Channel>>,
    number: usize,
    stop: Arc<AtomicBool>,
    books: Arc<Books>,
) {
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        count += 1;
        let message = SendMessageRequest {
            to: "+79991234567".into(),
            text: format!("message {count} of client {number}"),
            idempotency_key: match clients.len() {
                1 => String::new(),
                _ => format!("{number}-{count}"),
            },
            ..Default::default()
        };
        let mut failures = Vec::new();
        for _ in 0..clients.len().min(2) {
            let mut request = tonic::Request::new(message.clone());
            request.set_timeout(Duration::from_secs(5));
            match clients[0].send_message(request).await {
                Ok(response) => {
                    let message = response.into_inner().message.unwrap();
                    books.accepted.lock().unwrap().push(Sent {
                        id: message.id,
                        reference: message.reference,
                    });
                    failures.clear();
                    break;
                }
                // What is refused, or cut off, was not promised.
                Err(status) => failures.push(status.to_string()),
            }
            clients.rotate_left(1);
        }
        if !failures.is_empty() {
            books.failed.lock().unwrap().push(failures.join(", then "));
        }
        tokio::time::sleep(PAUSE).await;
    }
}
