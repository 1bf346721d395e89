//! A network that can be cut.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Forwards connections to the broker.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    weather: Arc<watch::Sender<Weather>>,
    task: JoinHandle<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Weather {
    /// Connections of earlier times are cut.
    time: u32,
    /// Nothing gets through, and nobody is told.
    is_silent: bool,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.cut();
    }
}

impl Proxy {
    pub(crate) async fn start(broker: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        Self::serve(listener, broker)
    }

    /// Starts on a port that was free a while ago.
    pub(crate) async fn start_on(port: u16, broker: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        Self::serve(listener, broker)
    }

    fn serve(listener: TcpListener, broker: u16) -> Self {
        let port = listener.local_addr().unwrap().port();
        let weather = Weather {
            time: 0,
            is_silent: false,
        };
        let weather = Arc::new(watch::Sender::new(weather));
        let task = tokio::spawn(accept(listener, broker, Arc::clone(&weather)));
        Self {
            port,
            weather,
            task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port)
    }

    /// Closes all connections; new ones get through.
    pub(crate) fn cut(&self) {
        self.weather.send_modify(|weather| weather.time += 1);
    }

    /// Bytes vanish, in both directions, until [`cut`](Self::cut) or the end of the silence.
    pub(crate) fn silence(&self, is_silent: bool) {
        self.weather
            .send_modify(|weather| weather.is_silent = is_silent);
    }
}

async fn accept(listener: TcpListener, broker: u16, weather: Arc<watch::Sender<Weather>>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let weather = weather.subscribe();
        tokio::spawn(async move {
            let broker = SocketAddr::from((Ipv4Addr::LOCALHOST, broker));
            let Ok(server) = TcpStream::connect(broker).await else {
                return;
            };
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            let there = forward(from_client, to_server, weather.clone());
            let back = forward(from_server, to_client, weather);
            // When one direction ends, dropping the other one closes both.
            tokio::select! { () = there => {}, () = back => {} }
        });
    }
}

async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
) {
    let start = weather.borrow().time;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        tokio::select! {
            changed = weather.changed() => {
                if changed.is_err() || weather.borrow().time != start {
                    return;
                }
            }
            read = from.read(&mut buffer) => {
                let Ok(count @ 1..) = read else { return };
                if !weather.borrow().is_silent && to.write_all(&buffer[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}
