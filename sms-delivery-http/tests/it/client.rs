//! A client that says exactly what a test wants said.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What the server answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").expect("a whole head");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Self {
            status: status.expect("a status"),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let value = |line: &'_ str| line.find(": ").map(|at| at + 2);
        self.head
            .lines()
            .find(|line| line.split(':').next() == Some(name))
            .and_then(|line| line.get(value(line)?..))
    }
}

/// Sends bytes and reads until the server closes the connection.
pub(crate) async fn raw(address: SocketAddr, bytes: &[u8]) -> Response {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    Response::parse(&answer)
}

/// A request whose connection ends with it. `headers` are whole lines.
pub(crate) fn request(method: &str, path: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut lines = vec![
        format!("{method} {path} HTTP/1.1"),
        "host: forged.example".into(),
        "connection: close".into(),
        format!("content-length: {}", body.len()),
    ];
    lines.extend(headers.iter().map(ToString::to_string));
    let mut bytes = lines.join("\r\n").into_bytes();
    bytes.extend_from_slice(b"\r\n\r\n");
    bytes.extend_from_slice(body);
    bytes
}

pub(crate) async fn post(address: SocketAddr, path: &str, body: &str) -> Response {
    raw(address, &request("POST", path, &[], body.as_bytes())).await
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> Response {
    raw(address, &request("GET", path, &[], b"")).await
}
