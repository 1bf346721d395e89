//! The command line against a server with TLS and API keys.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::server::{Server, sms};

/// A certificate for `localhost`, and its key, as files of these names.
fn certificate(folder: &Path, cert_file: &str, key_file: &str) {
    let names = vec!["localhost".to_owned()];
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(names).unwrap();
    fs::write(folder.join(cert_file), cert.pem()).unwrap();
    fs::write(folder.join(key_file), signing_key.serialize_pem()).unwrap();
}

/// A server whose certificate is `cert.pem`, and the key that it lets in.
fn guarded(folder: &Path) -> (Server, String) {
    certificate(folder, "cert.pem", "key.pem");
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

#[test]
fn a_certificate_for_another_name_is_told_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let (server, key) = guarded(folder.path());
    let by_number = server.grpc.replace("http://", "https://");
    let refused = send(folder.path(), &by_number, Some(&key));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("--server https://NAME:PORT"), "{said}");
}

#[test]
fn where_clients_need_certificates_one_can_be_shown() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certificate(folder, "cert.pem", "key.pem");
    certificate(folder, "client.pem", "client.key");
    let config = "store = \"memory:\"\n[grpc.tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n\
                  client_ca = \"client.pem\"";
    let server = Server::start(folder, config);
    let port = server.grpc.rsplit(':').next().unwrap();
    let list = |options: &[&str]| {
        let mut command = sms(folder);
        command.args(["list", "--ca", "cert.pem", "--server"]);
        command.arg(format!("https://localhost:{port}"));
        command.args(options).output().unwrap()
    };
    let shown = list(&["--cert", "client.pem", "--tls-key", "client.key"]);
    assert!(shown.status.success(), "{shown:?}");
    let refused = list(&[]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success());
    assert!(said.contains("--cert and --tls-key"), "{said}");
    let mixed = list(&["--cert", "client.pem", "--tls-key", "cert.pem"]);
    let said = String::from_utf8_lossy(&mixed.stderr);
    assert!(said.contains("--tls-key"), "{said}");
}
