//! What the server refuses to start with.

use std::net::SocketAddr;
use std::path::PathBuf;

use sms_core::SystemEntropy;
use sms_grpc::{ApiKey, ApiKeys, BindError, GrpcConfig, GrpcServer, Scopes, TlsFiles};

use crate::server::idle_engine;
use crate::tls::Files;

fn bind(config: GrpcConfig) -> Result<SocketAddr, BindError> {
    GrpcServer::bind(config, idle_engine()).map(|bound| bound.local_addr())
}

fn keys(count: usize) -> Vec<ApiKey> {
    let key = |number| ApiKey {
        name: format!("key-{number}"),
        tenant: "anna".parse().unwrap(),
        hash: ApiKeys::generate(&SystemEntropy).hash,
        scopes: Scopes::ALL,
    };
    (0..count).map(key).collect()
}

/// An address that is not loopback, whatever networks the machine has.
fn everywhere() -> GrpcConfig {
    GrpcConfig::new(([0, 0, 0, 0], 0).into())
}

#[tokio::test]
async fn beyond_loopback_it_wants_tls_and_someone_to_trust() {
    let files = Files::make();
    let (tls, api_keys) = (files.server(), ApiKeys::new(keys(1)));

    let error = bind(everywhere()).unwrap_err();
    assert!(matches!(error, BindError::Plaintext { .. }), "{error}");
    assert!(error.to_string().contains("0.0.0.0:0"), "{error}");

    let only_keys = GrpcConfig {
        api_keys: api_keys.clone(),
        ..everywhere()
    };
    let error = bind(only_keys).unwrap_err();
    assert!(matches!(error, BindError::Plaintext { .. }), "{error}");

    let only_tls = GrpcConfig {
        tls: Some(tls.clone()),
        ..everywhere()
    };
    let error = bind(only_tls).unwrap_err();
    assert!(
        matches!(error, BindError::Unauthenticated { .. }),
        "{error}"
    );

    let both = GrpcConfig {
        tls: Some(tls),
        api_keys,
        ..everywhere()
    };
    assert!(bind(both).is_ok());

    let client_certificates = GrpcConfig {
        tls: Some(files.mutual()),
        ..everywhere()
    };
    assert!(bind(client_certificates).is_ok());
}

#[tokio::test]
async fn each_danger_is_allowed_by_its_own_key() {
    let plaintext = GrpcConfig {
        dangerously_allow_plaintext_beyond_loopback: true,
        ..everywhere()
    };
    let error = bind(plaintext.clone()).unwrap_err();
    assert!(
        matches!(error, BindError::Unauthenticated { .. }),
        "{error}"
    );
    let unauthenticated = GrpcConfig {
        dangerously_allow_unauthenticated_beyond_loopback: true,
        ..everywhere()
    };
    let error = bind(unauthenticated).unwrap_err();
    assert!(matches!(error, BindError::Plaintext { .. }), "{error}");
    let both = GrpcConfig {
        dangerously_allow_unauthenticated_beyond_loopback: true,
        ..plaintext
    };
    assert!(bind(both).is_ok());
}

#[tokio::test]
async fn an_address_in_use_is_named_with_its_key() {
    let loopback = |port| GrpcConfig::new(([127, 0, 0, 1], port).into());
    let first = GrpcServer::bind(loopback(0), idle_engine()).unwrap();
    let address = first.local_addr();
    let error = bind(loopback(address.port())).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("grpc.listen"), "{text}");
    assert!(text.contains(&address.to_string()), "{text}");
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named_with_their_keys() {
    let files = Files::make();
    let other = Files::make();
    let good = files.server();
    let garbage = files.path("garbage.pem");
    std::fs::write(&garbage, "not PEM").unwrap();
    let missing = PathBuf::from("/nowhere/file.pem");
    let with_cert = |cert: &PathBuf| TlsFiles {
        cert: cert.clone(),
        ..good.clone()
    };
    let with_key = |key: &PathBuf| TlsFiles {
        key: key.clone(),
        ..good.clone()
    };
    let with_ca = |ca: &PathBuf| TlsFiles {
        client_ca: Some(ca.clone()),
        ..good.clone()
    };
    let others_key = other.server().key;
    let cases = [
        (
            with_cert(&missing),
            "grpc.tls.cert",
            &missing,
            "cannot be read",
        ),
        (
            with_key(&missing),
            "grpc.tls.key",
            &missing,
            "cannot be read",
        ),
        (
            with_ca(&missing),
            "grpc.tls.client_ca",
            &missing,
            "cannot be read",
        ),
        (
            with_cert(&garbage),
            "grpc.tls.cert",
            &garbage,
            "no certificate",
        ),
        (
            with_key(&garbage),
            "grpc.tls.key",
            &garbage,
            "no private key",
        ),
        (
            with_ca(&garbage),
            "grpc.tls.client_ca",
            &garbage,
            "no certificate",
        ),
        (
            with_key(&others_key),
            "grpc.tls.key",
            &others_key,
            "not the key of",
        ),
    ];
    for (tls, key, path, problem) in cases {
        let config = GrpcConfig {
            tls: Some(tls),
            ..GrpcConfig::new(([127, 0, 0, 1], 0).into())
        };
        let text = bind(config).unwrap_err().to_string();
        for part in [key, &path.display().to_string(), problem] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}

#[tokio::test]
async fn two_keys_of_one_hash_are_refused() {
    let mut api_keys = keys(2);
    api_keys[1].hash = api_keys[0].hash;
    let config = GrpcConfig {
        api_keys: ApiKeys::new(api_keys),
        ..GrpcConfig::new(([127, 0, 0, 1], 0).into())
    };
    let text = bind(config).unwrap_err().to_string();
    assert!(text.contains("key-0") && text.contains("key-1"), "{text}");
}

#[tokio::test]
async fn limits_beyond_counting_are_refused_by_name() {
    type Case = (&'static str, fn(&mut GrpcConfig));
    let spoil: [Case; 3] = [
        ("max_concurrent_calls", |c| {
            c.max_concurrent_calls = usize::MAX
        }),
        ("max_watches", |c| c.max_watches = usize::MAX),
        ("max_connections", |c| c.max_connections = usize::MAX / 2),
    ];
    for (key, spoil) in spoil {
        let mut config = GrpcConfig::new(([127, 0, 0, 1], 0).into());
        spoil(&mut config);
        let text = bind(config).unwrap_err().to_string();
        assert!(text.contains(&format!("grpc.{key}: ")), "{text}");
    }
}

#[tokio::test]
async fn limits_of_zero_are_refused_by_name() {
    type Case = (&'static str, fn(&mut GrpcConfig));
    let spoil: [Case; 5] = [
        ("max_message_bytes", |c| c.max_message_bytes = 0),
        ("max_concurrent_calls", |c| c.max_concurrent_calls = 0),
        ("max_watches", |c| c.max_watches = 0),
        ("max_connections", |c| c.max_connections = 0),
        ("max_streams_per_connection", |c| {
            c.max_streams_per_connection = 0
        }),
    ];
    for (key, spoil) in spoil {
        let mut config = GrpcConfig::new(([127, 0, 0, 1], 0).into());
        spoil(&mut config);
        let text = bind(config).unwrap_err().to_string();
        assert!(text.contains(&format!("grpc.{key}")), "{text}");
    }
}
