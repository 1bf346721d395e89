//! From a message to the request that configuration describes.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, Method, Request, Url};
use sms_core::{SenderId, Submission, Timestamp};

use super::config::{AuthConfig, BodyConfig, EncodingNames, HttpConfig, MethodConfig};
use super::one_or_many::OneOrMany;
use crate::ConfigError;
use crate::template::{
    JsonTemplate, Remaining, Template, TemplateError, Values, Variable, encoding_name,
    percent_encode,
};

/// Why a message cannot be written as this provider's request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsendable {
    #[error("the text has {length} characters; max_text allows {most}")]
    TooLong { length: usize, most: usize },
    #[error("the request could not be written")]
    Unwritable,
}

type Fields = Vec<(String, Template)>;

/// The request with its variables still in it.
pub(super) struct RequestTemplate {
    method: Method,
    url: Template,
    sample_url: Url,
    query: Fields,
    /// The headers that are the same in every request.
    headers: HeaderMap,
    message_headers: Vec<(HeaderName, Template)>,
    body: BodyTemplate,
    from: Option<SenderId>,
    max_text: Option<usize>,
    ttl_min: Option<Duration>,
    ttl_max: Option<Duration>,
    encodings: EncodingNames,
}

enum BodyTemplate {
    None,
    Json(JsonTemplate),
    Form(Fields),
}

impl RequestTemplate {
    pub(super) fn new(config: &HttpConfig) -> Result<Self, ConfigError> {
        let url = parse("url", &config.url)?;
        let sample_url = sample_url(&url)?;
        let mut headers = HeaderMap::new();
        let body = match &config.body {
            None => BodyTemplate::None,
            Some(_) if config.method == MethodConfig::Get => {
                let problem = "a GET request has none; write method = \"POST\" or use query";
                return Err(ConfigError::new("body", problem));
            }
            Some(body) => read_body(body, &mut headers)?,
        };
        let message_headers = read_headers(&config.headers, &mut headers)?;
        if let Some(auth) = &config.auth {
            set_auth(auth, &mut headers)?;
        }
        let template = Self {
            method: method(config.method),
            url,
            sample_url,
            query: read_fields("query", &config.query)?,
            headers,
            message_headers,
            body,
            from: config.from,
            max_text: config.max_text,
            ttl_min: config.ttl_min,
            ttl_max: config.ttl_max,
            encodings: config.encodings.clone(),
        };
        template.check_sender(config.from_optional)?;
        template.check_ttl()?;
        template.check_variables()?;
        Ok(template)
    }

    fn check_sender(&self, optional: bool) -> Result<(), ConfigError> {
        if optional && self.from.is_some() {
            let problem = "is true, but `from` gives every message a sender; keep one of them";
            return Err(ConfigError::new("from_optional", problem));
        }
        if optional && self.url.variables().any(Variable::is_from) {
            let problem = "is true, but a URL cannot leave {from} out; put it into query or body";
            return Err(ConfigError::new("from_optional", problem));
        }
        let needed = self.variables().into_iter().any(Variable::is_from) && !optional;
        if needed && self.from.is_none() {
            let problem = "is missing; the request has {from} in it, so say who messages are \
                           from that name no sender, or write from_optional = true";
            return Err(ConfigError::new("from", problem));
        }
        Ok(())
    }

    fn check_ttl(&self) -> Result<(), ConfigError> {
        let key = match (self.ttl_min, self.ttl_max) {
            (Some(least), Some(most)) if least > most => {
                return Err(ConfigError::new("ttl_min", "is more than ttl_max"));
            }
            (Some(_), _) => "ttl_min",
            (None, Some(_)) => "ttl_max",
            (None, None) => return Ok(()),
        };
        if !self.changes() {
            let problem = "bounds nothing; the request has no {ttl_seconds}, {ttl_minutes} or \
                           {ttl_ms} in it";
            return Err(ConfigError::new(key, problem));
        }
        Ok(())
    }

    fn check_variables(&self) -> Result<(), ConfigError> {
        let variables = self.variables();
        let has = |variable| variables.contains(&variable);
        let refused = |key, problem| Err(ConfigError::new(key, problem));
        if !has(Variable::To) && !has(Variable::ToDigits) {
            return refused(
                "body",
                "has neither {to} nor {to_digits} in url, query or body",
            );
        }
        if self.url.variables().any(Variable::is_of_one_encoding) {
            return refused(
                "url",
                "has the text of one encoding; put it into query or body",
            );
        }
        match (
            has(Variable::Text),
            has(Variable::TextGsm7),
            has(Variable::TextUcs2Hex),
        ) {
            (true, _, _) | (_, true, true) => Ok(()),
            (false, false, false) => refused("body", "has no {text} in url, query or body"),
            _ => refused(
                "body",
                "has the text of one encoding only; add {text}, or both {text_gsm7} and \
                 {text_ucs2_hex}",
            ),
        }
    }

    fn variables(&self) -> Vec<Variable> {
        let fields = |fields: &Fields| -> Vec<Variable> {
            fields
                .iter()
                .flat_map(|(_, value)| value.variables())
                .collect()
        };
        let mut all: Vec<_> = self.url.variables().collect();
        all.extend(fields(&self.query));
        all.extend(self.message_headers.iter().flat_map(|(_, v)| v.variables()));
        all.extend(match &self.body {
            BodyTemplate::None => Vec::new(),
            BodyTemplate::Json(json) => json.variables(),
            BodyTemplate::Form(form) => fields(form),
        });
        all
    }

    /// The URL with the letter x for every variable.
    pub(super) fn sample_url(&self) -> &Url {
        &self.sample_url
    }

    pub(super) fn uses_callback_url(&self) -> bool {
        self.variables().contains(&Variable::CallbackUrl)
    }

    /// Whether something in the request tells one message from all others.
    pub(super) fn identifies(&self) -> bool {
        self.variables().into_iter().any(Variable::identifies)
    }

    /// Whether something in the request differs from attempt to attempt.
    pub(super) fn changes(&self) -> bool {
        self.variables().into_iter().any(Variable::changes)
    }

    /// The request for one message: the same bytes on every attempt, unless it
    /// [`changes`](Self::changes).
    pub(super) fn build(
        &self,
        submission: &Submission,
        now: Timestamp,
    ) -> Result<Request, Unsendable> {
        self.check_length(submission)?;
        let values = self.values(submission, now);
        let mut request = Request::new(self.method.clone(), self.url(&values)?);
        request.headers_mut().clone_from(&self.headers);
        for (name, template) in &self.message_headers {
            if let Some(value) = template.render_if_any(&values) {
                let value = HeaderValue::try_from(value).map_err(|_| Unsendable::Unwritable)?;
                request.headers_mut().insert(name, value);
            }
        }
        *request.body_mut() = self.body(&values)?;
        Ok(request)
    }

    fn values<'a>(&'a self, submission: &'a Submission, now: Timestamp) -> Values<'a> {
        let names = &self.encodings;
        Values {
            submission,
            from: self.from,
            encoding: encoding_name(
                submission.encoding,
                names.gsm7.as_deref(),
                names.ucs2.as_deref(),
            ),
            remaining: Remaining {
                now,
                least: self.ttl_min,
                most: self.ttl_max,
            },
        }
    }

    fn check_length(&self, submission: &Submission) -> Result<(), Unsendable> {
        let Some(most) = self.max_text else {
            return Ok(());
        };
        let length = submission.text.as_str().chars().count();
        if length > most {
            return Err(Unsendable::TooLong { length, most });
        }
        Ok(())
    }

    fn url(&self, values: &Values<'_>) -> Result<Url, Unsendable> {
        let mut text = String::new();
        self.url.render_with(values, &mut text, percent_encode);
        let mut url = Url::parse(&text).map_err(|_| Unsendable::Unwritable)?;
        // A value of dots only would lead to another path, which no encoding prevents.
        if shape(&url) != shape(&self.sample_url) {
            return Err(Unsendable::Unwritable);
        }
        if !self.query.is_empty() {
            let mut query = url.query().unwrap_or_default().to_owned();
            write_fields(&self.query, values, &mut query);
            url.set_query(Some(&query));
        }
        Ok(url)
    }

    fn body(&self, values: &Values<'_>) -> Result<Option<Body>, Unsendable> {
        Ok(match &self.body {
            BodyTemplate::None => None,
            BodyTemplate::Json(template) => {
                let mut body = Vec::with_capacity(values.submission.text.as_str().len() + 512);
                serde_json::to_writer(&mut body, &template.of(values))
                    .map_err(|_| Unsendable::Unwritable)?;
                Some(body.into())
            }
            BodyTemplate::Form(fields) => {
                let mut body = String::with_capacity(512);
                write_fields(fields, values, &mut body);
                Some(body.into())
            }
        })
    }
}

fn write_fields(fields: &Fields, values: &Values<'_>, out: &mut String) {
    for (name, template) in fields {
        if let Some(value) = template.render_if_any(values) {
            if !out.is_empty() {
                out.push('&');
            }
            percent_encode(name, out);
            out.push('=');
            percent_encode(&value, out);
        }
    }
}

/// How many segments a path has, and whether it ends in a slash, as it does where a last segment
/// was one dot.
fn shape(url: &Url) -> (usize, bool) {
    let path = url.path();
    (path.split('/').count(), path.ends_with('/'))
}

fn method(method: MethodConfig) -> Method {
    match method {
        MethodConfig::Get => Method::GET,
        MethodConfig::Post => Method::POST,
        MethodConfig::Put => Method::PUT,
    }
}

fn parse(key: &str, text: &str) -> Result<Template, ConfigError> {
    Template::parse(text).map_err(|error| refused(key, &error))
}

fn refused(key: &str, error: &TemplateError) -> ConfigError {
    ConfigError::new(key, error.to_string())
}

fn sample_url(template: &Template) -> Result<Url, ConfigError> {
    let wrong = |problem| ConfigError::new("url", problem);
    let host_and_more = template.prefix().split_once("://").map(|(_, rest)| rest);
    if template.variables().next().is_some()
        && !host_and_more.is_some_and(|rest| rest.contains(['/', '?']))
    {
        return Err(wrong("has a variable in its host; write the host out"));
    }
    let url = Url::parse(&template.sample())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| wrong("is not a URL; write it as https://host/path"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("holds a user or password; write them as auth.basic"));
    }
    Ok(url)
}

fn read_fields(
    key: &str,
    fields: &BTreeMap<String, OneOrMany<String>>,
) -> Result<Fields, ConfigError> {
    let mut read = Vec::new();
    for (name, OneOrMany(values)) in fields {
        for value in values {
            read.push((name.clone(), parse(&format!("{key}.{name}"), value)?));
        }
    }
    Ok(read)
}

fn read_body(body: &BodyConfig, headers: &mut HeaderMap) -> Result<BodyTemplate, ConfigError> {
    let (template, content_type) = match body {
        BodyConfig::Json(value) => {
            let template = JsonTemplate::parse(value)
                .map_err(|(path, error)| refused(&format!("body.json{path}"), &error))?;
            (BodyTemplate::Json(template), "application/json")
        }
        BodyConfig::Form(fields) => {
            let fields = read_fields("body.form", fields)?;
            let content_type = "application/x-www-form-urlencoded";
            (BodyTemplate::Form(fields), content_type)
        }
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    Ok(template)
}

/// Puts the headers without variables among the constant ones and gives back the others.
fn read_headers(
    config: &BTreeMap<String, String>,
    constant: &mut HeaderMap,
) -> Result<Vec<(HeaderName, Template)>, ConfigError> {
    let mut of_message = Vec::new();
    for (name, text) in config {
        let key = format!("headers.{name}");
        let template = parse(&key, text)?;
        let name = HeaderName::try_from(name)
            .map_err(|_| ConfigError::new(&key, "is not the name of a header"))?;
        let variables: Vec<_> = template.variables().collect();
        if variables.iter().copied().any(Variable::is_text) {
            let problem = "has {text} in it, but a header cannot carry every text";
            return Err(ConfigError::new(key, problem));
        }
        let mut value = HeaderValue::try_from(template.sample())
            .map_err(|_| ConfigError::new(&key, "has characters that a header cannot carry"))?;
        if variables.is_empty() {
            value.set_sensitive(true);
            constant.insert(name, value);
        } else {
            of_message.push((name, template));
        }
    }
    Ok(of_message)
}

fn set_auth(auth: &AuthConfig, headers: &mut HeaderMap) -> Result<(), ConfigError> {
    if headers.contains_key(AUTHORIZATION) {
        let problem = "and headers.Authorization are both there; keep one of them";
        return Err(ConfigError::new("auth", problem));
    }
    let (key, text) = match auth {
        AuthConfig::Basic { login, password } => {
            if login.contains(':') {
                let problem = "holds a colon, which HTTP Basic cannot carry";
                return Err(ConfigError::new("auth.basic.login", problem));
            }
            let pair = BASE64.encode(format!("{login}:{}", password.expose()));
            ("auth.basic", format!("Basic {pair}"))
        }
        AuthConfig::Bearer(token) => ("auth.bearer", format!("Bearer {}", token.expose())),
        AuthConfig::Header(value) => ("auth.header", value.expose().to_owned()),
    };
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| ConfigError::new(key, "has characters that a header cannot carry"))?;
    value.set_sensitive(true);
    headers.insert(AUTHORIZATION, value);
    Ok(())
}

/// Hardly a part of a request that may not hold a key: only its variables show.
impl fmt::Debug for RequestTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestTemplate")
            .field("method", &self.method)
            .field("variables", &self.variables())
            .finish_non_exhaustive()
    }
}
