//! A wrong description is refused by the name of its key.

use std::sync::Arc;

use sms_core::ProviderName;
use sms_provider_http::{Built, ConfigError, Kind, Kinds, Settings};

use crate::support::{build, client};

/// A description that is right.
const RIGHT: &str = "
url = 'https://api.example/send'
from = 'Brand'
body.json = { to = '{to}', text = '{text}', from = '{from}' }
";

fn refused(settings: &str) -> ConfigError {
    match build("http", settings) {
        Ok(_) => panic!("taken: {settings}"),
        Err(error) => error,
    }
}

#[test]
fn what_is_added_wrongly_is_refused_by_its_key() {
    build("http", RIGHT).unwrap();
    for (added, key, part) in [
        ("retries = 3", "retries", "no known key"),
        ("method = 'PATCH'", "method", ""),
        ("timeout = '800ms'", "timeout", "longer than 800ms"),
        ("deduplicates = true", "deduplicates", "{reference}"),
        (
            "headers.X-To = '{too}'",
            "headers.X-To",
            "unknown variable {too}",
        ),
        (
            "headers.X-Text = '{text}'",
            "headers.X-Text",
            "cannot carry",
        ),
        ("headers.'X To' = 'a'", "headers.X To", "name of a header"),
        ("headers.X-Key = \"a\\nb\"", "headers.X-Key", "cannot carry"),
        ("query.cb = '{callback_url}'", "report", "how they look"),
        ("query.a = '{to'", "query.a", "without its }"),
        ("auth.digest = 'x'", "auth", ""),
        ("auth.bearer = \"a\\nb\"", "auth.bearer", "cannot carry"),
        (
            "auth.basic = { login = 'a:b', password = 'c' }",
            "auth.basic.login",
            "colon",
        ),
        (
            "auth.bearer = 'a'\nheaders.authorization = 'b'",
            "auth",
            "both",
        ),
        (
            "answer.verdict = 'status.code'",
            "answer.verdict",
            "JSON pointer",
        ),
        ("answer.verdict = '/code'", "answer.accepted", "is missing"),
        ("answer.rejected = [13]", "answer.verdict", "is missing"),
        (
            "answer.http_status = { '4x' = 'rejected' }",
            "answer.http_status.4x",
            "4xx",
        ),
        (
            "answer.http_status = { '404' = 'gone' }",
            "answer.http_status.404",
            "",
        ),
        ("report.status = '/status'", "report", "names no message"),
        ("report.id = '/id'", "report.status", "is missing"),
        (
            "report = { id = '/id', status = '/s' }",
            "report.delivered",
            "is missing",
        ),
        (
            "report = { id = 'id', receipt = '/r' }",
            "report.id",
            "JSON pointer",
        ),
        (
            "report = { format = 'form', id = '/id', receipt = 'r' }",
            "report.id",
            "field's name",
        ),
        (
            "report = { format = 'form', id = 'i', receipt = 'r', list = 'l' }",
            "report.list",
            "JSON",
        ),
        (
            "report = { id = '/i', receipt = '/r', reply.status = 42 }",
            "report.reply.status",
            "",
        ),
    ] {
        let error = refused(&format!("{RIGHT}\n{added}"));
        assert_eq!(error.key(), key, "{added}: {error}");
        assert!(error.problem().contains(part), "{added}: {error}");
    }
}

#[test]
fn what_is_missing_or_wrong_in_the_request_is_refused() {
    for (settings, key, part) in [
        ("from = 'Brand'", "url", "is missing"),
        (
            "url = 'api.example'\nquery = { a = '{to}', b = '{text}' }",
            "url",
            "https://host",
        ),
        (
            "url = 'https://{to}.example/'\nquery.b = '{text}'",
            "url",
            "host",
        ),
        (
            "url = 'https://u:hunter2@h/'\nquery = { a = '{to}', b = '{text}' }",
            "url",
            "auth.basic",
        ),
        (
            "url = 'https://h/'\nquery.b = '{text}'",
            "body",
            "neither {to} nor",
        ),
        ("url = 'https://h/'\nquery.a = '{to}'", "body", "no {text}"),
        (
            "url = 'https://h/{to}/{text}'\nquery.a = '{from}'",
            "from",
            "is missing",
        ),
        (
            "url = 'https://h/{to}'\nmethod = 'GET'\nbody.form.b = '{text}'",
            "body",
            "GET",
        ),
        (
            "url = 'https://h/{to}'\nbody.json = [1, { t = '{txt}' }]",
            "body.json[1].t",
            "{txt}",
        ),
        (
            "url = 'https://h/{to}'\nbody.json.t = '{text:number}'",
            "body.json.t",
            "digits",
        ),
    ] {
        let error = refused(settings);
        assert_eq!(error.key(), key, "{settings}: {error}");
        assert!(error.problem().contains(part), "{settings}: {error}");
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[test]
fn an_unknown_kind_is_told_the_known_ones() {
    let error = build("megaphone", "").unwrap_err();
    assert_eq!(error.key(), "kind");
    assert!(error.problem().contains("http, megafon"), "{error}");
}

#[test]
fn a_description_does_not_show_its_secrets() {
    let settings = format!(
        "{RIGHT}\nauth.bearer = 'hunter2'\nheaders.X-Key = 'hunter3'\nquery.key = 'hunter4'"
    );
    let shown = format!("{:?}", build("http", &settings).unwrap());
    assert!(!shown.contains("hunter"), "{shown}");
    let table: toml::Table = settings.parse().unwrap();
    let settings = Settings::new(&table).unwrap();
    assert!(!format!("{settings:?}").contains("hunter"));
    let config: sms_provider_http::HttpConfig = settings.read().unwrap();
    assert!(!format!("{config:?}").contains("hunter"));
}

#[derive(Debug)]
struct Fixed(Built);

impl Kind for Fixed {
    fn build(&self, _: ProviderName, _: Settings) -> Result<Built, ConfigError> {
        Ok(self.0.clone())
    }
}

#[test]
fn a_kind_of_ones_own_can_be_added() {
    let built = build("http", RIGHT).unwrap();
    let kinds = Kinds::new(&client()).with("mine", Arc::new(Fixed(built)));
    assert_eq!(
        kinds.names().collect::<Vec<_>>(),
        ["http", "megafon", "mine"]
    );
    let name = "other".parse().unwrap();
    assert!(kinds.build(name, "mine", &toml::Table::new()).is_ok());
}
