//! Servers that do as they are told, and messages for them.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sms_core::{CallbackUrl, Encoding, MessageId, Submission, SystemEntropy, Timestamp};
use sms_provider_http::{Built, ConfigError, HttpClient, HttpSettings, Kinds};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How long connecting may take in tests: nothing but loopback is connected to, but the machine
/// may be busy.
pub(crate) const CONNECT: Duration = Duration::from_millis(700);

pub(crate) fn client() -> HttpClient {
    HttpClient::new(&HttpSettings {
        connect_timeout: CONNECT,
        ..HttpSettings::default()
    })
    .unwrap()
}

/// A message of its own id.
pub(crate) fn submission(text: &str) -> Submission {
    let id = MessageId::generate(Timestamp::from_millis(1_700_000_000_000), &SystemEntropy);
    Submission {
        id,
        reference: id.reference(),
        attempt: 1,
        to: "+79991234567".parse().unwrap(),
        from: None,
        text: text.parse().unwrap(),
        encoding: Encoding::Gsm7,
        segments: 1,
        expires_at: Timestamp::from_millis(1_800_000_000_000),
        callback_url: None,
    }
}

pub(crate) fn with_callback(text: &str, url: String) -> Submission {
    Submission {
        callback_url: Some(CallbackUrl::new(url)),
        ..submission(text)
    }
}

pub(crate) fn build(kind: &str, settings: &str) -> Result<Built, ConfigError> {
    let table: toml::Table = settings.parse().expect("TOML");
    Kinds::new(&client()).build("main".parse().unwrap(), kind, &table)
}

/// A MegaFon provider that posts to this URL and waits a second.
pub(crate) fn megafon(url: &str) -> Built {
    build(
        "megafon",
        &format!(
            "url = '{url}'\nfrom = 'Brand'\nlogin = 'login'\npassword = 'password'\n\
             timeout = '1s'"
        ),
    )
    .unwrap()
}

/// What a server was asked.
pub(crate) type Requests = Arc<Mutex<Vec<String>>>;

/// A server that treats every connection so.
pub(crate) async fn server<F, T>(serve: F) -> SocketAddr
where
    F: Fn(TcpStream) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    addr
}

/// A server that answers every request with these bytes, closes, and keeps what it was asked.
pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> (SocketAddr, Requests) {
    let requests = Requests::default();
    let (answer, seen) = (Arc::new(answer.into()), Arc::clone(&requests));
    let addr = server(move |mut stream| {
        let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
        async move {
            let request = read_request(&mut stream).await;
            seen.lock().unwrap().push(request);
            let _ = stream.write_all(&answer).await;
        }
    })
    .await;
    (addr, requests)
}

/// A whole HTTP answer.
pub(crate) fn http(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}")
}

/// Reads a request, head and body, as text.
pub(crate) async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut part = [0; 4_096];
    loop {
        let read = stream.read(&mut part).await.unwrap_or(0);
        bytes.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if read == 0 || is_whole(&text) {
            return text;
        }
    }
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    body.len() >= length
}

/// The body of a request.
pub(crate) fn body(request: &str) -> &str {
    request.split_once("\r\n\r\n").expect("a whole request").1
}

/// The fields of a form or a query.
pub(crate) fn form(text: &str) -> Vec<(String, String)> {
    let url = reqwest::Url::parse(&format!("http://x/?{text}")).unwrap();
    url.query_pairs().into_owned().collect()
}
