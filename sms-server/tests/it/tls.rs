//! The command line against a server with TLS and API keys.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::server::{Server, sms};

/// A server whose certificate is `cert.pem`, and the key that it lets in.
fn guarded(folder: &Path) -> (Server, String) {
    let names = vec!["localhost".to_owned()];
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(names).unwrap();
    fs::write(folder.join("cert.pem"), cert.pem()).unwrap();
    fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    let made = sms(folder)
        .args(["config", "key", "billing"])
        .output()
        .unwrap();
    let key = String::from_utf8(made.stdout).unwrap() + &String::from_utf8_lossy(&made.stderr);
    let section = &key[key.find("[[api_key]]").unwrap()..];
    let key = key
        .split_whitespace()
        .find(|word| word.starts_with("sms_"))
        .unwrap();
    let config = format!(
        "store = \"memory:\"\n{section}\n[grpc.tls]\ncert = \"cert.pem\"\nkey = \"key.pem\""
    );
    (Server::start(folder, &config), key.to_owned())
}

fn send(folder: &Path, server: &str, key: Option<&str>) -> Output {
    let mut command = sms(folder);
    command.args(["send", "--ca", "cert.pem", "--server", server]);
    command.args(["+79991234567", "Hi"]);
    command.envs(key.map(|key| ("SMS_API_KEY", key)));
    command.output().unwrap()
}

#[test]
fn a_message_goes_over_tls_with_a_key_and_what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (server, key) = guarded(folder.path());
    let port = server.grpc.rsplit(':').next().unwrap();
    let over_tls = format!("https://localhost:{port}");

    let sent = send(folder.path(), &over_tls, Some(&key));
    assert!(sent.status.success(), "{sent:?}");

    let in_clear = format!("http://localhost:{port}");
    for (server, key, hint) in [
        (&over_tls, None, "SMS_API_KEY"),
        (&in_clear, Some(&*key), "https://"),
    ] {
        let refused = send(folder.path(), server, key);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains(hint), "{said}");
    }
}
