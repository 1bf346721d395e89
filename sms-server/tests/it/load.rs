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
    accepted: Arc<Mutex<Vec<Sent>>>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    /// Begins to send to an address.
    pub(crate) fn start(server: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let accepted = Arc::new(Mutex::new(Vec::new()));
        let clients = (0..CLIENTS)
            .map(|number| {
                let channel = Endpoint::from_shared(server.to_owned()).unwrap();
                let client = MessageServiceClient::new(channel.connect_lazy());
                tokio::spawn(send(client, number, stop.clone(), accepted.clone()))
            })
            .collect();
        Self {
            stop,
            accepted,
            clients,
        }
    }

    /// How many were accepted so far.
    pub(crate) fn count(&self) -> usize {
        self.accepted.lock().unwrap().len()
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
        self.accepted.lock().unwrap().clone()
    }
}

async fn send(
    mut client: MessageServiceClient<tonic::transport::Channel>,
    number: usize,
    stop: Arc<AtomicBool>,
    accepted: Arc<Mutex<Vec<Sent>>>,
) {
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        count += 1;
        let mut request = tonic::Request::new(SendMessageRequest {
            to: "+79991234567".into(),
            text: format!("message {count} of client {number}"),
            ..Default::default()
        });
        request.set_timeout(Duration::from_secs(5));
        // What is refused, or cut off, was not promised.
        if let Ok(response) = client.send_message(request).await {
            let message = response.into_inner().message.unwrap();
            accepted.lock().unwrap().push(Sent {
                id: message.id,
                reference: message.reference,
            });
        }
        tokio::time::sleep(PAUSE).await;
    }
}
