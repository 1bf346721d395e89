//! Peers that connect and stop in the middle of their first words.

use std::io::{ErrorKind, Read as _};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;

use crate::server::{Server, Setup, in_time};
use crate::tls::Files;

/// Whether the server lets go of a connection on which nothing more comes. Its clock jumps
/// forward whenever it has nothing to do, so the peer waits outside of it.
async fn is_let_go(peer: TcpStream) -> bool {
    tokio::time::pause();
    let mut peer = peer.into_std().unwrap();
    peer.set_nonblocking(false).unwrap();
    peer.set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        let ended = match peer.read_to_end(&mut Vec::new()) {
            Ok(_) => true,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        };
        tell.send(ended).unwrap();
    });
    let ended = told.await.unwrap();
    tokio::time::resume();
    ended
}

fn with_one_place(setup: Setup) -> Server {
    let mut setup = setup;
    setup.config.max_connections = 1;
    setup.start()
}

#[tokio::test]
async fn one_that_stops_after_a_byte_gives_its_place_back() {
    let server = with_one_place(Setup::default());
    let mut peer = TcpStream::connect(server.address).await.unwrap();
    peer.write_all(b"P").await.unwrap();
    assert!(is_let_go(peer).await);
    in_time(server.send()).await;
}

#[tokio::test]
async fn one_that_stops_after_the_handshake_of_tls_gives_its_place_back() {
    let files = Files::make();
    let tls = files.server();
    let server = with_one_place(Setup::configure(|config| config.tls = Some(tls)));
    let mut peer = handshake(&server, &files).await;
    peer.write_all(b"P").await.unwrap();
    peer.flush().await.unwrap();
    assert!(is_let_go(peer.into_inner().0).await);
    in_time(handshake(&server, &files)).await;
}

async fn handshake(server: &Server, files: &Files) -> tokio_rustls::client::TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(files.path("ca.pem")).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(server.address).await.unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(ServerName::try_from("localhost").unwrap(), stream)
        .await
        .unwrap()
}
