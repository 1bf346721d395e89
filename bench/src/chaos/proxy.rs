//! A network that can be cut, stopped and slowed down.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, tcp::ReadHalf, tcp::WriteHalf},
    sync::watch,
};

/// Forwards connections to the first of its targets that takes them, beginning with another one
/// each time. Ends with the runtime.
#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    weather: Arc<watch::Sender<Weather>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Weather {
    /// Connections of an earlier time are cut.
    time: u32,
    /// Nothing gets through, and nobody is told.
    is_still: bool,
    /// How much later everything comes.
    delay: Duration,
}

impl Proxy {
    pub(super) async fn start(targets: Vec<SocketAddr>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.context("no port for a proxy")?;
        let address = listener.local_addr()?;
        let weather = Arc::new(watch::Sender::new(Weather::default()));
        tokio::spawn(accept(listener, targets, Arc::clone(&weather)));
        Ok(Self { address, weather })
    }

    /// Resets all connections; new ones get through.
    pub(super) fn cut(&self) {
        self.weather.send_modify(|weather| weather.time += 1);
    }

    /// Holds everything up, connections and bytes, or lets it go on.
    pub(super) fn hold_still(&self, is_still: bool) {
        self.weather
            .send_modify(|weather| weather.is_still = is_still);
    }

    /// Makes everything come later.
    pub(super) fn delay(&self, delay: Duration) {
        self.weather.send_modify(|weather| weather.delay = delay);
    }
}

async fn accept(
    listener: TcpListener,
    targets: Vec<SocketAddr>,
    weather: Arc<watch::Sender<Weather>>,
) {
    let mut turn = 0;
    while let Ok((client, _)) = listener.accept().await {
        let mut order = targets.clone();
        order.rotate_left(turn % targets.len().max(1));
        turn += 1;
        tokio::spawn(join(client, order, weather.subscribe()));
    }
}

async fn join(mut client: TcpStream, targets: Vec<SocketAddr>, weather: watch::Receiver<Weather>) {
    let start = weather.borrow().time;
    let mut cut = weather.clone();
    let mut server = None;
    tokio::select! {
        () = talk(&mut client, &mut server, targets, weather) => {}
        // An error says that the proxy is gone: the same to those connected.
        _ = cut.wait_for(|weather| weather.time != start) => {
            // A reset, as if the other end had crashed.
            for stream in [Some(client), server].into_iter().flatten() {
                let _ = stream.set_zero_linger();
            }
        }
    }
}

async fn talk(
    client: &mut TcpStream,
    server: &mut Option<TcpStream>,
    targets: Vec<SocketAddr>,
    mut weather: watch::Receiver<Weather>,
) {
    if weather.wait_for(|weather| !weather.is_still).await.is_err() {
        return;
    }
    for target in targets {
        if let Ok(stream) = TcpStream::connect(target).await {
            *server = Some(stream);
            break;
        }
    }
    let Some(server) = server else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    // When one direction ends, dropping the other one closes both.
    tokio::select! {
        () = forward(from_client, to_server, weather.clone()) => {}
        () = forward(from_server, to_client, weather) => {}
    }
}

async fn forward(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut weather: watch::Receiver<Weather>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else {
            return;
        };
        let Ok(delay) = weather
            .wait_for(|weather| !weather.is_still)
            .await
            .map(|now| now.delay)
        else {
            return;
        };
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        address
    }

    async fn say(stream: &mut TcpStream) -> std::io::Result<[u8; 2]> {
        stream.write_all(b"hi").await?;
        let mut heard = [0; 2];
        stream.read_exact(&mut heard).await?;
        Ok(heard)
    }

    #[tokio::test]
    async fn bytes_go_there_and_back() {
        let proxy = Proxy::start(vec![echo().await]).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        assert_eq!(&say(&mut stream).await.unwrap(), b"hi");
    }

    #[tokio::test]
    async fn a_target_that_is_down_is_passed_over() {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let down = closed.local_addr().unwrap();
        drop(closed);
        let proxy = Proxy::start(vec![down, echo().await]).await.unwrap();
        for _ in 0..4 {
            let mut stream = TcpStream::connect(proxy.address).await.unwrap();
            assert_eq!(&say(&mut stream).await.unwrap(), b"hi");
        }
    }

    #[tokio::test]
    async fn a_cut_resets_what_is_open_and_nothing_else() {
        let proxy = Proxy::start(vec![echo().await]).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        say(&mut stream).await.unwrap();
        proxy.cut();
        let mut byte = [0];
        let error = stream.read_exact(&mut byte).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        let mut another = TcpStream::connect(proxy.address).await.unwrap();
        assert_eq!(&say(&mut another).await.unwrap(), b"hi");
    }

    #[tokio::test]
    async fn what_was_held_up_comes_when_it_goes_on() {
        let proxy = Proxy::start(vec![echo().await]).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        say(&mut stream).await.unwrap();
        proxy.hold_still(true);
        let short = Duration::from_millis(50);
        assert!(tokio::time::timeout(short, say(&mut stream)).await.is_err());
        proxy.hold_still(false);
        let mut heard = [0; 2];
        stream.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"hi");
    }
}
