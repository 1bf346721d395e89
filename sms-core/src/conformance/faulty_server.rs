//! A server on loopback that behaves badly in one way, whatever protocol is spoken to it.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How the server behaves once a request has reached it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It never answers, and keeps the connection.
    Silence,
    /// It closes the connection without an answer.
    Close,
    /// It answers with bytes of no protocol.
    Garbage,
}

/// A pause after which a request is taken to be whole.
const REQUEST_ENDS: Duration = Duration::from_millis(150);

/// The server. Each connection is served by a thread of its own, which ends with the connection.
#[derive(Debug)]
pub(super) struct FaultyServer {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl FaultyServer {
    /// Starts one on a free port.
    pub(super) fn start(fault: Fault) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let server = Self {
            address: listener.local_addr().expect("the port"),
            requests: Arc::default(),
        };
        let requests = server.requests.clone();
        thread::spawn(move || accept(&listener, fault, &requests));
        server
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was received on each connection that said anything.
    pub(super) fn requests(&self) -> Vec<Vec<u8>> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for FaultyServer {
    /// A connection that says nothing makes the listening thread look whether anybody is left.
    fn drop(&mut self) {
        drop(TcpStream::connect(self.address));
    }
}

/// The address of a port on which nothing listens.
pub(super) fn nobody() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("the port")
}

fn accept(listener: &TcpListener, fault: Fault, requests: &Arc<Mutex<Vec<Vec<u8>>>>) {
    for stream in listener.incoming() {
        if Arc::strong_count(requests) == 1 {
            return;
        }
        let Ok(stream) = stream else { return };
        let requests = requests.clone();
        thread::spawn(move || serve(stream, fault, &requests));
    }
}

fn serve(mut stream: TcpStream, fault: Fault, requests: &Mutex<Vec<Vec<u8>>>) {
    let request = read_request(&mut stream);
    if request.is_empty() {
        return;
    }
    requests
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(request);
    match fault {
        Fault::Close => {}
        Fault::Garbage => drop(stream.write_all(b"\x00\x01 nobody speaks this \xff\xfe\r\n\r\n")),
        Fault::Silence => {
            // Until the other side gives up.
            drop(stream.set_read_timeout(Some(Duration::from_secs(60))));
            while matches!(stream.read(&mut [0; 1_024]), Ok(read) if read > 0) {}
        }
    }
}

/// Reads until the other side pauses or closes.
fn read_request(stream: &mut TcpStream) -> Vec<u8> {
    let mut request = Vec::new();
    let mut part = [0; 4_096];
    drop(stream.set_read_timeout(Some(Duration::from_secs(60))));
    loop {
        match stream.read(&mut part) {
            Ok(0) => return request,
            Ok(read) => request.extend_from_slice(&part[..read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return request,
        }
        drop(stream.set_read_timeout(Some(REQUEST_ENDS)));
    }
}
