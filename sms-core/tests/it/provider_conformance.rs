//! The smallest provider that speaks HTTP keeps the rules of every provider.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sms_core::{
    Answer, CallbackSupport, Capabilities, Outcome, Provider, ProviderName, Submission,
};

const TIMEOUT: Duration = Duration::from_millis(500);

#[derive(Debug)]
struct Plain {
    name: ProviderName,
    server: SocketAddr,
}

#[async_trait]
impl Provider for Plain {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            deduplicates: true,
            callback: CallbackSupport::None,
            timeout: TIMEOUT,
        }
    }

    async fn submit(&self, submission: &Submission) -> Answer {
        let body = format!(
            "{}\n{}\n{}",
            submission.reference,
            submission.to.digits(),
            submission.text.as_str()
        );
        let server = self.server;
        let exchange = tokio::task::spawn_blocking(move || exchange(server, &body));
        exchange.await.unwrap_or(Outcome::Unknown).into()
    }
}

fn exchange(server: SocketAddr, body: &str) -> Outcome {
    let Ok(stream) = TcpStream::connect(server) else {
        return Outcome::Unavailable { retry_after: None };
    };
    match ask(stream, body) {
        Ok(answer) if answer.starts_with("HTTP/1.1 200 ") => {
            Outcome::Accepted { provider_id: None }
        }
        Ok(_) | Err(_) => Outcome::Unknown,
    }
}

fn ask(mut stream: TcpStream, body: &str) -> std::io::Result<String> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    let head = format!("POST / HTTP/1.1\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all((head + body).as_bytes())?;
    let mut answer = [0; 64];
    let read = stream.read(&mut answer)?;
    String::from_utf8(answer[..read].to_vec()).map_err(|_| ErrorKind::InvalidData.into())
}

fn at(server: SocketAddr) -> Arc<dyn Provider> {
    let name = "plain".parse().unwrap();
    Arc::new(Plain { name, server })
}

/// A server that takes everything.
fn taking_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                drop(stream.read(&mut [0; 65_536]));
                drop(stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n"));
            });
        }
    });
    address
}

async fn taken() -> (Arc<dyn Provider>, ()) {
    (at(taking_server()), ())
}

sms_core::provider_conformance!(taken);

async fn harness() -> (fn(SocketAddr) -> Arc<dyn Provider>, ()) {
    (at, ())
}

sms_core::provider_faults!(harness);
