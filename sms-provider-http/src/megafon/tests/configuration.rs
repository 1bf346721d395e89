//! What a configuration may hold.

use serde_json::{Value, json};

use super::super::*;
use super::config;

#[test]
fn a_wrong_configuration_is_refused_by_its_key() {
    let client = HttpClient::new(&crate::HttpSettings::default()).unwrap();
    let kind = MegafonKind::new(client);
    let refused = |key: &str, value: Value| {
        let settings = Settings::new(&config(&[(key, value)])).unwrap();
        kind.build("main".parse().unwrap(), settings).unwrap_err()
    };
    for (key, value, part) in [
        ("url", json!("a2p-api.megalabs.ru"), "https://host/path"),
        ("url", json!("ftp://host/"), "https://host/path"),
        ("url", json!("https://u:hunter2@host/"), "login"),
        ("from", json!("far too long a name"), "at most 11"),
        ("from", json!("+4915112345678"), "at most 11"),
        ("login", json!("a:b"), "colon"),
        ("login", json!(17), "expected a string"),
        ("password", json!(""), "empty"),
        ("password", json!(1_234_567), "expected a string"),
        ("timeout", json!("3s"), "longer than 3s100ms"),
        ("timeout", json!(30), "30"),
        ("passwort", json!("x"), "no known key"),
    ] {
        let error = refused(key, value);
        assert_eq!(error.key(), key, "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert!(!error.to_string().contains("hunter2"));
        assert!(!error.to_string().contains("1234567"));
    }
}

#[test]
fn a_missing_key_is_named() {
    let client = HttpClient::new(&crate::HttpSettings::default()).unwrap();
    let settings = Settings::new(&json!({ "from": "Brand", "login": "l" })).unwrap();
    let error = MegafonKind::new(client)
        .build("main".parse().unwrap(), settings)
        .unwrap_err();
    assert_eq!(error.to_string(), "password: is missing; add it");
}
