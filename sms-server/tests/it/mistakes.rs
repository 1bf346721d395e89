//! Configurations that cannot be meant: each is refused at start, in one line that names the key.

use crate::server::{complaint, sms};

const MEGAFON: &str = "[[provider]]\nname = \"a\"\nkind = \"megafon\"\nfrom = \"Me\"\nlogin = \"me\"\npassword = \"hunter2\"\n";

const KEY: &str = "[[api_key]]\nname = \"a\"\nhash = \"0000000000000000000000000000000000000000000000000000000000000000\"\n";

/// A configuration and what must be said of it; each part must be there.
fn mistakes() -> Vec<(String, Vec<&'static str>)> {
    let plain = |toml: &str, parts: &[&'static str]| (toml.to_owned(), parts.to_vec());
    let provider =
        |more: &str, parts: &[&'static str]| (format!("{MEGAFON}{more}"), parts.to_vec());
    vec![
        plain(
            "store = \"redis://:hunter2@h/x\"",
            &["sms.toml:1:1: store: the Redis URL: database: is not a number"],
        ),
        plain(
            "store = \"redis://:hunter2/hunter2@h\"",
            &["store: the Redis URL: password: ", "%2F"],
        ),
        plain(
            "store = \"redis://h?dangerously_allow_all=true\"",
            &["store: the Redis URL: dangerously_allow_all: is unknown"],
        ),
        plain(
            "store = \"mongo:x\"",
            &["store: ", "memory: or sqlite:PATH"],
        ),
        plain(
            "queue = \"amqp://u:hunter2@h?hartbeat=1\"",
            &["sms.toml:1:1: queue: ", "unknown parameter", "heartbeat"],
        ),
        plain(
            "queue = \"kafka://u:hunter2@h\"",
            &[
                "queue: \"kafka://u:***@h\" is nothing this program can open; write memory: or amqp://",
            ],
        ),
        plain(
            "[log]\nlevel = \"loud\"",
            &["sms.toml:2:1: log.level: is no level"],
        ),
        plain(
            "[log]\nformat = \"xml\"",
            &["log.format: ", "`text`", "`json`"],
        ),
        plain("[retry]\nbase = \"0s\"", &["retry.base: ", "zero"]),
        plain(
            "[retry]\nbase = \"5s\"\ncap = \"1s\"",
            &["sms.toml:3:1: retry.cap: "],
        ),
        plain(
            "[messages]\nvalidity = \"30d\"",
            &["sms.toml:2:1: messages.validity: must be from 1 s to 7 days"],
        ),
        plain(
            "[messages]\nvalidity = \"0s\"",
            &["sms.toml:2:1: messages.validity: must be from 1 s to 7 days"],
        ),
        plain(
            "[messages]\nretention = \"0s\"",
            &["sms.toml:2:1: messages.retention: must be a minute or more"],
        ),
        plain(
            "[grpc]\nlisten = \"localhost\"",
            &["grpc.listen: ", "socket address"],
        ),
        plain(
            "[grpc]\nlisten = \"0.0.0.0:50051\"",
            &["grpc.listen: 0.0.0.0", "TLS"],
        ),
        plain(
            "[grpc]\nlisten = \"0.0.0.0:50051\"\ndangerously_allow_plaintext_beyond_loopback = true",
            &["grpc.listen: 0.0.0.0", "add an [[api_key]]"],
        ),
        plain(
            &format!("{KEY}{KEY}"),
            &["api_key: a and a have the same hash"],
        ),
        plain("[grpc]\nmax_watches = 0", &["grpc.max_watches"]),
        plain(
            "[grpc]\nmax_connections = 9223372036854775807",
            &["grpc.max_connections: is more than can be counted"],
        ),
        plain(
            "[runtime]\nworker_threads = 1000000",
            &["sms.toml:2:1: runtime.worker_threads: is more than any machine"],
        ),
        plain(
            "store = \"redis//:hunter2@h:6379/0\"",
            &["sms.toml:1:1: store: \"***@h:6379/0\" is nothing"],
        ),
        plain(
            "[grpc.tls]\ncert = \"no.pem\"\nkey = \"no.pem\"",
            &["grpc.tls.cert: no.pem"],
        ),
        plain(
            "[grpc.tls]\ncert = \"no.pem\"",
            &["grpc.tls.key: is missing"],
        ),
        plain(
            "[admin]\nlisten = \"0.0.0.0:9464\"",
            &["admin.listen: 0.0.0.0", "dangerously"],
        ),
        plain(
            "[delivery]\nlisten = \"0.0.0.0:8000\"",
            &["delivery.public_url: is missing"],
        ),
        plain(
            "[delivery]\npublic_url = \"example.com\"",
            &["delivery.public_url"],
        ),
        plain("[delivery]\nallow = [\"10.0.0.0/99\"]", &["delivery.allow"]),
        plain(
            "[delivery]\npublic_url = \"https://sms.example.com\"",
            &["name the proxy in delivery.trusted_proxies"],
        ),
        plain(
            "[delivery]\ntrusted_proxies = [\"0.0.0.0/0\"]",
            &["delivery.trusted_proxies holds every address"],
        ),
        plain(
            "[delivery]\nmax_requests = 9223372036854775807",
            &["delivery.max_requests is more than"],
        ),
        plain(
            "[delivery]\nbody_timeout = \"0s\"",
            &["delivery.body_timeout"],
        ),
        plain(
            "[delivery]\nlegacy_provider = \"b\"",
            &["delivery.legacy_provider: there is no"],
        ),
        plain(
            "[http]\nextra_roots = \"no.pem\"",
            &["sms.toml:2:1: http.extra_roots: no.pem"],
        ),
        plain(
            "[[api_key]]\nname = \"a\"\nhash = \"xyz\"",
            &["sms.toml:3:1: api_key.0.hash: "],
        ),
        plain("[[api_key]]\nname = \"a\"", &["api_key.0.hash: is missing"]),
        plain(
            "[[provider]]\nname = \"a\"\nkind = \"pigeon\"",
            &["sms.toml:3:1: provider.0.kind: ", "megafon"],
        ),
        plain(
            "[[provider]]\nname = \"a\"\nkind = \"megafon\"",
            &["provider.0.", "missing"],
        ),
        provider("colour = \"red\"", &["sms.toml:7:1: provider.0.colour: "]),
        provider(
            "timeout = \"1s\"",
            &["sms.toml:7:1: provider.0.timeout: ", "longer than 3s"],
        ),
        provider(
            "lease = \"5s\"",
            &["sms.toml:7:1: provider.0.lease: ", "four times"],
        ),
        provider(
            "concurrency = 0",
            &["sms.toml:7:1: provider.0.concurrency: is 0"],
        ),
        provider(
            "report_window = \"0s\"",
            &["sms.toml:7:1: provider.0.report_window: is 0"],
        ),
        provider(
            MEGAFON,
            &["provider.1.name: another provider has the name a"],
        ),
        plain(
            "[[provider]]\nname = \"a\"\nkind = \"megafon\"\nfrom = \"Me\"\nlogin = \"me\"\npassword = 123456",
            &["provider.0.password"],
        ),
    ]
}

#[test]
fn every_one_is_refused_by_check_and_by_serve_in_the_same_words() {
    let [folder, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    for (toml, parts) in mistakes() {
        for folder in [&folder, &other] {
            std::fs::write(folder.path().join("sms.toml"), &toml).unwrap();
        }
        let checked = sms(folder.path())
            .args(["config", "check"])
            .output()
            .unwrap();
        let words = complaint(&checked);
        assert_eq!(checked.status.code(), Some(1), "{toml}\n{words}");
        assert!(
            words.starts_with("error: ") && words.lines().count() == 1,
            "{toml}\n{words}"
        );
        for part in parts {
            assert!(words.contains(part), "{part:?} in {words:?} for\n{toml}");
        }
        assert!(
            !words.contains("hunter2") && !words.contains("123456"),
            "{words}"
        );
        let served = sms(other.path()).arg("serve").output().unwrap();
        assert_eq!(complaint(&served), words, "{toml}");
        assert_eq!(served.status.code(), Some(1), "{toml}");
    }
    assert!(
        !folder.path().join("data").exists(),
        "a check makes no store"
    );
}

#[test]
fn a_check_for_a_role_refuses_what_that_role_cannot_do() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = sms(folder.path()).args(arguments).output().unwrap();
        (output.status.code(), complaint(&output))
    };
    let checked = run(&["config", "check", "--role", "api"]);
    assert_eq!(checked, run(&["serve", "--role", "api"]));
    assert_eq!(checked.0, Some(1));
    assert!(checked.1.contains("store: serves one process only"));
    let shared = "store = \"redis://h:6379/0\"\nqueue = \"amqp://h\"";
    std::fs::write(folder.path().join("sms.toml"), shared).unwrap();
    assert_eq!(
        run(&["config", "check", "--role", "api"]),
        (Some(0), String::new())
    );
}

#[test]
fn a_good_configuration_is_checked_without_being_started() {
    let folder = tempfile::tempdir().unwrap();
    let check = || {
        sms(folder.path())
            .args(["config", "check"])
            .output()
            .unwrap()
    };
    let words = String::from_utf8(check().stdout).unwrap();
    assert_eq!(
        words,
        "the default configuration (there is no ./sms.toml): ok\n"
    );
    std::fs::write(folder.path().join("sms.toml"), MEGAFON).unwrap();
    let output = check();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "sms.toml: ok\n");
    assert!(!folder.path().join("data").exists());
}

#[test]
fn a_wrong_command_line_has_a_status_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["sned"][..],
        &["send", "+79991234567"],
        &["serve", "--role", "king"],
        &["list", "--state", "happy"],
        &["send", "--send-at", "soon", "+79991234567", "Hi"],
        &["status", "--server", "::", "x"],
        &[
            "send",
            "--key",
            "k",
            "--send-at",
            "10m",
            "+79991234567",
            "Hi",
        ],
        &["list", "--cert", "client.pem"],
        &["sandbox", "--listen", "0.0.0.0:0"],
        &["sandbox", "--listen", "[::]:0"],
    ] {
        let output = sms(folder.path()).args(arguments).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {}",
            complaint(&output)
        );
    }
}
