//! Encrypted connections.

use rcgen::{CertifiedKey, generate_simple_self_signed};
use sms_core::Store;
use sms_core::conformance::Samples;
use sms_redis::{ConnectError, Options, RedisStore};

use crate::server::{DURABLE, Server, free_port, store_at};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_trusted_by_its_certificate() {
    let port = free_port();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("cert.pem"), cert.pem()).unwrap();
    std::fs::write(path("key.pem"), signing_key.serialize_pem()).unwrap();
    let tls_port = port.to_string();
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    let mut arguments = DURABLE.to_vec();
    arguments.extend([
        "--port",
        "0",
        "--tls-port",
        &tls_port,
        "--tls-auth-clients",
        "no",
    ]);
    arguments.extend(["--tls-cert-file", &cert, "--tls-key-file", &key]);
    arguments.extend(["--tls-ca-cert-file", &cert]);
    let mut server = Server::prepare(port, &arguments);
    server.run();

    for host in ["localhost", "127.0.0.1"] {
        let store = store_at(&format!("rediss://{host}:{port}?ca_file={cert}")).await;
        let message = Samples::new(50).message();
        store.insert(vec![message.clone()]).await.unwrap();
        assert_eq!(store.load(&[message.id()]).await.unwrap(), [Some(message)]);
    }
    let options: Options = format!("rediss://localhost:{port}").parse().unwrap();
    let refused = RedisStore::connect(&options).await.err();
    assert!(
        matches!(refused, Some(ConnectError::Unreachable { .. })),
        "{refused:?}"
    );
}
