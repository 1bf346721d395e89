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
            "unknown variable at character 1",
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
            "report = { id = '/i', receipt = '/r', callback_token = 'short' }",
            "report.callback_token",
            "16 to 128 characters",
        ),
        (
            "report = { id = '/i', receipt = '/r', callback_token = '0123456789/abcdef' }",
            "report.callback_token",
            "letters",
        ),
        (
            "report = { id = '/i', receipt = '/r', callback_token = '0123456789abcdef', \
             secret = { header = 'X', value = 'y' } }",
            "report.callback_token",
            "one of both",
        ),
        (
            "report = { id = '/i', receipt = '/r', secret = { header = 'X Y', value = 'y' } }",
            "report.secret.header",
            "name of a header",
        ),
        (
            "report = { id = '/i', receipt = '/r', secret = { header = 'X', value = '' } }",
            "report.secret.value",
            "empty",
        ),
        (
            "report = { id = '/i', receipt = '/r', reply.status = 404 }",
            "report.reply.status",
            "200 to 299",
        ),
        (
            "report = { id = '/i', status = '/s', delivered = ['ok'], expired = ['OK'] }",
            "report.expired",
            "report.delivered too",
        ),
        (
            "answer = { verdict = '/c', accepted = [0], rejected = ['e*'], unknown = ['E*'] }",
            "answer.unknown",
            "answer.rejected too",
        ),
        (
            "answer.verdict = ['/code', 'code']",
            "answer.verdict[1]",
            "JSON pointer",
        ),
        (
            "answer.verdict = '/{text}'",
            "answer.verdict",
            "{to_digits}",
        ),
        (
            "answer.retry_after = 'soon'",
            "answer.retry_after",
            "no place",
        ),
        (
            "answer.retry_after = { at = '/wait', unit = 'min' }",
            "answer.retry_after.unit",
            "`ms`",
        ),
        (
            "answer.retry_after = { at = '/wait', in = 's' }",
            "answer.retry_after.in",
            "no known key",
        ),
        ("ttl_max = '1h'", "ttl_max", "{ttl_seconds}"),
        (
            "query.ttl = '{ttl_ms}'\nttl_min = '2h'\nttl_max = '1h'",
            "ttl_min",
            "more than ttl_max",
        ),
        (
            "query = { ttl = '{ttl_ms}', id = '{id}' }\ndeduplicates = true",
            "deduplicates",
            "{expires_at}",
        ),
        ("from_optional = true", "from_optional", "keep one"),
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
            "url = 'https://h/{to}'\nquery.b = '{text_gsm7}'",
            "body",
            "{text_ucs2_hex}",
        ),
        (
            "url = 'https://h/{to}/{text_gsm7}'\nquery.b = '{text_ucs2_hex}'",
            "url",
            "one encoding",
        ),
        (
            "url = 'https://h/{to}/{text}/{from}'\nfrom_optional = true",
            "from_optional",
            "URL",
        ),
        (
            "url = 'https://h/{to}'\nmethod = 'GET'\nbody.form.b = '{text}'",
            "body",
            "GET",
        ),
        (
            "url = 'https://h/{to}'\nbody.json = [1, { t = '{txt}' }]",
            "body.json[1].t",
            "unknown variable at character 1",
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

#[test]
fn a_refusal_repeats_no_value() {
    for added in [
        "auth = 'Bearer hunter2'",
        "auth.basic = 'hunter2'",
        "auth.bearer = { hunter2 = 'a' }",
        "auth.header = ['hunter2']",
        "method = 'hunter2'",
        "query.key = '{hunter2}'",
        "query.key = '{hunter2'",
        "headers.X-Key = 'hunter2}'",
        "url = 'https://api.example/send?key={hunter2}'",
        "answer.verdict = 'hunter2'",
        "answer.otherwise = 'hunter2'",
        "answer.retry_after = { at = '/wait', unit = 'hunter2' }",
        "report = 'hunter2'",
        "report.format = 'hunter2'",
    ] {
        let right = match added.starts_with("url") {
            true => RIGHT.replace("url = 'https://api.example/send'", ""),
            false => RIGHT.to_owned(),
        };
        let error = refused(&format!("{right}\n{added}"));
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter2"), "{added}: {shown}");
    }
}

#[test]
fn what_makes_a_provider_does_not_show_its_credentials() {
    let settings = |text: &str| Settings::new(&text.parse::<toml::Table>().unwrap()).unwrap();
    let config: sms_provider_http::MegafonConfig = settings(
        "from = 'Brand'\nurl = 'https://hunter2/'\nlogin = 'hunter2'\npassword = 'hunter2'",
    )
    .read()
    .unwrap();
    let auth: sms_provider_http::AuthConfig =
        settings("basic = { login = 'hunter2', password = 'hunter2' }")
            .read()
            .unwrap();
    let shown = format!("{config:?} {auth:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("Brand"), "{shown}");
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
