//! Reading configurations: what is taken, what is refused, and in which words.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use super::path::KeyPath;
use super::schema::Schema;
use super::show;
use super::{Config, DEFAULT_TOML, Loaded, Problems, load};

fn read(toml: &str, variables: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sms.toml");
    std::fs::File::create(&file)
        .and_then(|mut file| file.write_all(toml.as_bytes()))
        .unwrap();
    let variables = variables
        .iter()
        .map(|(name, text)| (OsString::from(name), OsString::from(text)));
    load(Some(&file), variables)
}

/// The mistakes, with the folder of the file cut off.
fn problem(toml: &str, variables: &[(&str, &str)]) -> String {
    match read(toml, variables) {
        Ok(_) => "no problem".into(),
        Err(problems) => {
            let one = |problem: &super::Problem| {
                let text = problem.to_string();
                let cut = text.find("sms.toml").unwrap_or(0);
                text[cut..].to_owned()
            };
            problems.0.iter().map(one).collect::<Vec<_>>().join("\n")
        }
    }
}

#[test]
fn the_default_file_holds_the_defaults() {
    let loaded = read(DEFAULT_TOML, &[]).unwrap();
    assert_eq!(
        show::effective(&loaded.config),
        show::effective(&Config::default())
    );
}

#[test]
fn the_default_file_names_every_key() {
    let mut section = String::new();
    let mut named = BTreeSet::new();
    for line in DEFAULT_TOML.lines() {
        let line = line.trim_start_matches("# ").trim();
        if let Some(name) = line.strip_prefix('[') {
            section = format!("{}.", name.trim_matches(['[', ']']));
        } else if let Some((key, _)) = line.split_once(" = ") {
            named.insert(format!("{section}{key}"));
        }
    }
    for key in Schema::new().all_keys() {
        assert!(
            named.contains(&key.to_string()),
            "{key} is not in default.toml"
        );
    }
    for key in ["name", "hash", "tenant", "scopes"] {
        assert!(named.contains(&format!("api_key.{key}")), "{key}");
    }
    for key in super::provider::Common::KEYS {
        assert!(named.contains(&format!("provider.{key}")), "{key}");
    }
}

#[test]
fn the_manual_holds_the_default_file() {
    let manual = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
    let manual = std::fs::read_to_string(manual).unwrap();
    assert!(
        manual.contains(DEFAULT_TOML.trim_end()),
        "docs/configuration.md shows another default.toml than sms-server/src/config has"
    );
}

#[test]
fn a_variable_counts_more_than_the_file() {
    let variables = [
        ("SMS__GRPC__LISTEN", "127.0.0.1:1"),
        ("SMS__GRPC__MAX_WATCHES", "7"),
        ("SMS__RETRY__JITTER", "false"),
        ("SMS__DELIVERY__ALLOW", "10.0.0.0/8, 127.0.0.0/8"),
        ("SMS__DRAIN__TIMEOUT", "9s"),
        ("SMS__GRPC__TLS__CERT", "a.pem"),
        ("SMS__GRPC__TLS__KEY", "b.pem"),
        ("SMS_API_KEY", "not ours to read"),
    ];
    let config = read("[grpc]\nlisten = \"127.0.0.1:2\"", &variables)
        .unwrap()
        .config;
    assert_eq!(config.grpc.listen.port(), 1);
    assert_eq!(config.grpc.max_watches, 7);
    assert!(!config.retry.jitter);
    assert_eq!(config.delivery.allow.len(), 2);
    assert_eq!(config.drain.timeout.map(|time| time.as_secs()), Some(9));
    assert!(config.grpc.tls.is_some());
}

#[test]
fn providers_can_come_from_variables_alone_or_change_one_of_the_file() {
    let file = "[[provider]]\nname = \"a\"\nkind = \"megafon\"\nlogin = \"me\"";
    let variables = [
        ("SMS__PROVIDER__0__PASSWORD", "123456"),
        ("SMS__PROVIDER__0__CONCURRENCY", "3"),
        ("SMS__PROVIDER__1__NAME", "b"),
        ("SMS__PROVIDER__1__KIND", "http"),
        ("SMS__PROVIDER__1__DEDUPLICATES", "true"),
    ];
    let providers = read(file, &variables).unwrap().config.provider;
    assert_eq!(providers[0].common.concurrency, 3);
    assert_eq!(providers[0].settings.0["password"], json!("123456"));
    assert_eq!(providers[0].settings.0["login"], json!("me"));
    assert_eq!(providers[1].common.name.as_str(), "b");
    assert_eq!(providers[1].settings.0["deduplicates"], json!(true));
}

/// Configuration, variables, and the line that says what is wrong.
#[test]
fn every_mistake_names_its_place_its_key_and_the_way_out() {
    for (toml, variables, expected) in [
        (
            "[grpc]\nlistn = \"127.0.0.1:1\"",
            &[][..],
            "sms.toml:2:1: grpc.listn: there is no such key; did you mean listen?",
        ),
        (
            "stroe = \"memory:\"",
            &[],
            "sms.toml:1:1: stroe: there is no such key; did you mean store?",
        ),
        (
            "listen = \"127.0.0.1:1\"",
            &[],
            "sms.toml:1:1: listen: there is no such key; did you mean admin.listen, \
             delivery.listen or grpc.listen?",
        ),
        (
            "[retry]\nxyz = 1",
            &[],
            "sms.toml:2:1: retry.xyz: there is no such key; here are: base, cap, jitter, \
             max_retries",
        ),
        (
            "",
            &[("SMS__GRPC__LISTN", "x")],
            "environment variable SMS__GRPC__LISTN: grpc.listn: there is no such key; did you \
             mean listen?",
        ),
        (
            "[retry]\nbase = 5",
            &[],
            "sms.toml:2:1: retry.base: the duration \"5\" has a number without a unit; write for \
             instance 5s or 5m",
        ),
        (
            "[retry]\nmax_retries = \"x\"",
            &[],
            "sms.toml:2:1: retry.max_retries: invalid type: string \"x\", expected u32",
        ),
        (
            "",
            &[("SMS__RETRY__MAX_RETRIES", "x")],
            "environment variable SMS__RETRY__MAX_RETRIES: retry.max_retries: must be a whole \
             number",
        ),
        (
            "",
            &[("SMS__RETRY", "x")],
            "environment variable SMS__RETRY: retry: is a section: name a key inside it, behind \
             two underscores",
        ),
        (
            "",
            &[("SMS__GRPC__REFLECTION", "yes")],
            "environment variable SMS__GRPC__REFLECTION: grpc.reflection: must be true or false",
        ),
        (
            "",
            &[("SMS__PROVIDER__1__NAME", "x")],
            "environment variable SMS__PROVIDER__1__NAME: provider.1.name: an entry before it is \
             missing: number the entries from 0 without gaps",
        ),
        (
            "[provider]\nname = \"x\"",
            &[],
            "sms.toml:1:2: provider: is not a list: write [[provider]] with two brackets on each \
             side",
        ),
        (
            "[[provider]]\nname = \"a b\"\nkind = \"http\"",
            &[],
            "sms.toml:2:1: provider.0.name: provider name: may have at most 32 characters of A-Z, \
             a-z, 0-9, '-', '_' and '.'",
        ),
        (
            "[[provider]]\nname = \"a\"\nkind = \"http\"\nthroughput = \"5\"",
            &[],
            "sms.toml:4:1: provider.0.throughput: the throughput \"5\" is not a number per unit; \
             write for instance 5/s, 300/min or 18000/h",
        ),
        (
            "[[provider]]\nname = \"a\"",
            &[],
            "sms.toml:1:1: provider.0.kind: is missing: add it",
        ),
        (
            "[http]\nproxy = 12345",
            &[],
            "sms.toml:2:1: http.proxy: has a value of the wrong kind: write a text in quotes",
        ),
        (
            "[messages]\nretention = \"5parsecs\"",
            &[],
            "sms.toml:2:1: messages.retention: the duration \"5parsecs\" has the \
             unknown unit \"parsecs\"; units are d, h, m, s, ms, us, ns; or write \"forever\"",
        ),
    ] {
        assert_eq!(problem(toml, variables), expected, "{toml} {variables:?}");
    }
}

#[test]
fn what_is_no_toml_is_shown_by_line_and_column() {
    let text = problem("store = \"memory:\"\nqueue = memory:", &[]);
    assert!(
        text.starts_with("sms.toml:2:9: this is not TOML: "),
        "{text}"
    );
}

#[test]
fn every_unknown_key_is_told_at_once() {
    let text = problem("a1 = 1\nb1 = 2", &[]);
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let error = load(Some(Path::new("/nowhere/x.toml")), std::iter::empty())
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "/nowhere/x.toml: there is no such file; `sms config init` prints one to begin with"
    );
}

#[test]
fn the_effective_configuration_shows_no_secret() {
    let toml = r#"
store = "redis://me:hunter2@host:6379/0"
[http]
proxy = "http://me:hunter2@proxy:1"
[[provider]]
name = "a"
kind = "http"
url = "https://me:hunter2@host/send?key=hunter2"
api_key = "hunter2"
pin_token = 1234567
auth = { basic = { login = "hunter2", password = "hunter2" } }
headers = { "X-Anything" = "hunter2" }
query = { k = "hunter2", to = "{to}" }
body = { json = { inner = ["hunter2", "{text}"] } }
report = { secret = { header = "X-Sign", value = "hunter2" } }
"#;
    let config = read(toml, &[]).unwrap().config;
    let shown = show::as_toml(&config).unwrap();
    assert!(
        !shown.contains("hunter2") && !shown.contains("1234567"),
        "{shown}"
    );
    for kept in [
        "redis://me:***@host:6379/0",
        "\"{to}\"",
        "\"{text}\"",
        "https://me:***@host/send?***",
    ] {
        assert!(shown.contains(kept), "{kept} in {shown}");
    }
}

#[test]
fn what_is_shown_can_be_read_again() {
    let shown = show::as_toml(&Config::default()).unwrap();
    let again = read(&shown, &[]).unwrap().config;
    assert_eq!(show::effective(&again), show::effective(&Config::default()));
}

#[test]
fn keys_inside_a_provider_have_places() {
    let loaded = read(
        "[[provider]]\nname = \"a\"\nkind = \"http\"\nurl = \"x\"",
        &[],
    )
    .unwrap();
    let place = loaded
        .tree
        .place(&KeyPath::dotted("provider.0.url"))
        .unwrap();
    assert!(place.to_string().ends_with("sms.toml:4:1"), "{place}");
}
