//! From a provider's callback to the reports in it.

use sms_core::{
    DecodeError, Decoded, IncomingReport, Proof, ProviderId, Reply, ReportDecoder, ReportRequest,
    ReportStatus, Secret, Subject,
};

use super::config::{ReportConfig, ReportFormat};
use super::pattern::{List, Meanings};
use crate::loose::text_of;
use crate::receipt::Receipt;
use crate::{ConfigError, answer};

/// Longest text of a report that is kept, in characters.
const LONGEST_TEXT: usize = 500;
/// Shortest callback token, in characters: of 64 letters 16 are 96 bits, which nobody guesses.
const SHORTEST_TOKEN: usize = 16;
/// Longest callback token, in characters: with the address before it, it still fits into 255,
/// a usual length of a field in a form.
const LONGEST_TOKEN: usize = 128;

/// Reads reports as configuration describes them.
#[derive(Debug)]
pub(super) struct Decoder {
    config: ReportConfig,
    meanings: Meanings<ReportStatus>,
    reply: Reply,
}

impl Decoder {
    /// `per_message`: whether each message has a callback of its own, which names it.
    pub(super) fn new(config: ReportConfig, per_message: bool) -> Result<Self, ConfigError> {
        check(&config, per_message)?;
        let reply = Reply {
            status: config.reply.status,
            body: config.reply.body.clone().into(),
        };
        Ok(Self {
            meanings: Meanings::new("report", lists(&config))?,
            config,
            reply,
        })
    }
}

impl ReportDecoder for Decoder {
    fn proof(&self) -> Proof<'_> {
        let config = &self.config;
        match (&config.callback_token, &config.secret) {
            (Some(token), _) => Proof::Token(token),
            (None, Some(secret)) => Proof::Header {
                name: &secret.header,
                value: &secret.value,
            },
            (None, None) => Proof::Source,
        }
    }

    fn decode(&self, request: &ReportRequest<'_>) -> Result<Decoded, DecodeError> {
        self.check_secret(request)?;
        let items = self.items(request)?;
        let (reports, refused): (Vec<_>, Vec<_>) = items
            .iter()
            .map(|item| self.report(item))
            .partition(Result::is_ok);
        let skipped = refused.len();
        // One bad report in a list must not keep the good ones from being taken.
        if let (true, Some(Err(error))) = (reports.is_empty(), refused.into_iter().next()) {
            return Err(error);
        }
        Ok(Decoded {
            reports: reports.into_iter().flatten().collect(),
            skipped,
            reply: self.reply.clone(),
        })
    }
}

impl Decoder {
    fn check_secret(&self, request: &ReportRequest<'_>) -> Result<(), DecodeError> {
        let Some(secret) = &self.config.secret else {
            return Ok(());
        };
        let name = secret.header.to_ascii_lowercase();
        match request.header(&name) {
            Some(value) if secret.value.matches(value) => Ok(()),
            _ => Err(DecodeError::BadSignature),
        }
    }

    fn items(&self, request: &ReportRequest<'_>) -> Result<Vec<Item>, DecodeError> {
        Ok(match self.config.format {
            ReportFormat::Json => self.json_items(request.body)?,
            ReportFormat::Form => vec![Item::form(request.body)],
            ReportFormat::Query => vec![Item::form(request.query.as_bytes())],
        })
    }

    fn json_items(&self, body: &[u8]) -> Result<Vec<Item>, DecodeError> {
        let mut value: serde_json::Value =
            serde_json::from_slice(body).map_err(|_| malformed("the body is not JSON"))?;
        let Some(list) = &self.config.list else {
            return Ok(vec![Item::Json(value)]);
        };
        match value.pointer_mut(list).map(serde_json::Value::take) {
            Some(serde_json::Value::Array(items)) => {
                Ok(items.into_iter().map(Item::Json).collect())
            }
            _ => Err(malformed(&format!("{list} is not a list"))),
        }
    }

    fn report(&self, item: &Item) -> Result<IncomingReport, DecodeError> {
        let config = &self.config;
        let get = |place: &Option<String>| place.as_deref().and_then(|place| item.get(place));
        let receipt_text = get(&config.receipt);
        let receipt = Receipt::read(receipt_text.as_deref().unwrap_or_default());
        let provider_id: Option<ProviderId> =
            get(&config.provider_id).and_then(|id| id.parse().ok());
        let text = get(&config.text).or_else(|| receipt_text.clone());
        Ok(IncomingReport {
            subject: self.subject(&get, provider_id.as_ref()),
            status: self.status(get(&config.status).as_deref(), &receipt)?,
            provider_id,
            receipt_id: get(&config.receipt_id)
                .or_else(|| receipt.id.map(str::to_owned))
                .and_then(|id| answer::receipt_id(&id)),
            code: get(&config.code)
                .or_else(|| receipt.error.map(str::to_owned))
                .and_then(|code| answer::report_code(&code)),
            text: text.map(|text| text.chars().take(LONGEST_TEXT).collect()),
        })
    }

    fn subject(
        &self,
        get: &impl Fn(&Option<String>) -> Option<String>,
        provider_id: Option<&ProviderId>,
    ) -> Subject {
        let reference = get(&self.config.reference).and_then(|text| text.parse().ok());
        let id = || get(&self.config.id).and_then(|text| text.parse().ok());
        reference
            .map(Subject::Reference)
            .or_else(|| id().map(Subject::Id))
            .or_else(|| provider_id.cloned().map(Subject::ProviderId))
            .unwrap_or(Subject::Unnamed)
    }

    /// What the report's own word means, else what its receipt says. A word that is not listed
    /// is taken for a step on the way: a final status would close the message for good.
    fn status(
        &self,
        word: Option<&str>,
        receipt: &Receipt<'_>,
    ) -> Result<ReportStatus, DecodeError> {
        let listed = word.and_then(|word| self.meanings.of(word));
        match listed.or_else(|| receipt.status()) {
            Some(status) => Ok(status),
            None if word.is_some() => Ok(ReportStatus::Buffered),
            None => Err(malformed("it has no status")),
        }
    }
}

fn lists(config: &ReportConfig) -> [List<'_, ReportStatus>; 6] {
    [
        ("buffered", &config.buffered, ReportStatus::Buffered),
        ("delivered", &config.delivered, ReportStatus::Delivered),
        (
            "undelivered",
            &config.undelivered,
            ReportStatus::Undelivered,
        ),
        ("expired", &config.expired, ReportStatus::Expired),
        ("rejected", &config.rejected, ReportStatus::Rejected),
        ("unknown", &config.unknown, ReportStatus::Unknown),
    ]
}

fn check(config: &ReportConfig, per_message: bool) -> Result<(), ConfigError> {
    let names = [&config.reference, &config.id, &config.provider_id];
    if !per_message && names.iter().all(|place| place.is_none()) {
        let problem = "names no message; add reference, id or provider_id, or let {callback_url} \
                       tell the provider a URL for each message";
        return Err(ConfigError::new("report", problem));
    }
    if config.status.is_none() && config.receipt.is_none() {
        let problem = "is missing; say where the status is, or add receipt";
        return Err(ConfigError::new("report.status", problem));
    }
    if config.status.is_some() && config.receipt.is_none() && config.delivered.is_empty() {
        let problem = "is missing; say which statuses mean that a message was delivered";
        return Err(ConfigError::new("report.delivered", problem));
    }
    // With any other the provider posts the same reports for ever, or gives them up as refused.
    if !(200..=299).contains(&config.reply.status) {
        let problem = "is no acknowledgement; write one of 200 to 299";
        return Err(ConfigError::new("report.reply.status", problem));
    }
    check_proof(config)?;
    check_places(config)
}

fn check_proof(config: &ReportConfig) -> Result<(), ConfigError> {
    if let Some(secret) = &config.secret {
        if secret.header.parse::<http::HeaderName>().is_err() {
            let problem = "is no name of a header";
            return Err(ConfigError::new("report.secret.header", problem));
        }
        if secret.value.is_empty() {
            let problem = "is empty, which no report would match";
            return Err(ConfigError::new("report.secret.value", problem));
        }
    }
    match (&config.callback_token, &config.secret) {
        (Some(_), Some(_)) => {
            let problem = "stands beside report.secret; write one of both";
            Err(ConfigError::new("report.callback_token", problem))
        }
        (Some(token), None) => check_token(token),
        (None, _) => Ok(()),
    }
}

/// A token is a part of a URL as it is, whatever the provider's form does to other characters.
fn check_token(token: &Secret) -> Result<(), ConfigError> {
    let token = token.expose();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let problem = if !(SHORTEST_TOKEN..=LONGEST_TOKEN).contains(&token.len()) {
        format!("must have {SHORTEST_TOKEN} to {LONGEST_TOKEN} characters")
    } else if !token.bytes().all(plain) {
        "must be letters of A-Z and a-z, digits, - and _".to_owned()
    } else {
        return Ok(());
    };
    let problem = format!("{problem}; make one, for instance with `openssl rand -hex 16`");
    Err(ConfigError::new("report.callback_token", problem))
}

fn check_places(config: &ReportConfig) -> Result<(), ConfigError> {
    let is_json = config.format == ReportFormat::Json;
    if config.list.is_some() && !is_json {
        let problem = "only a JSON body holds a list; remove it or write format = \"json\"";
        return Err(ConfigError::new("report.list", problem));
    }
    let places = [
        ("list", &config.list),
        ("reference", &config.reference),
        ("id", &config.id),
        ("provider_id", &config.provider_id),
        ("status", &config.status),
        ("receipt", &config.receipt),
        ("code", &config.code),
        ("text", &config.text),
        ("receipt_id", &config.receipt_id),
    ];
    for (key, place) in places {
        let Some(place) = place else { continue };
        // The empty pointer is the whole document, which makes sense of a list only.
        let whole_list = key == "list" && place.is_empty();
        if is_json && !place.starts_with('/') && !whole_list {
            let problem = "is not a JSON pointer; write it as /name or /list/0/name";
            return Err(ConfigError::new(format!("report.{key}"), problem));
        }
        if !is_json && place.starts_with('/') {
            let problem = "is a JSON pointer, but the report is a form; write the field's name";
            return Err(ConfigError::new(format!("report.{key}"), problem));
        }
    }
    Ok(())
}

/// One report as it came.
enum Item {
    Json(serde_json::Value),
    Form(Vec<(String, String)>),
}

impl Item {
    fn form(text: &[u8]) -> Self {
        Self::Form(form_urlencoded::parse(text).into_owned().collect())
    }

    fn get(&self, place: &str) -> Option<String> {
        match self {
            Self::Json(value) => text_of(value.pointer(place)?),
            Self::Form(fields) => fields
                .iter()
                .find(|(name, _)| name == place)
                .map(|(_, value)| value.clone()),
        }
    }
}

fn malformed(problem: &str) -> DecodeError {
    DecodeError::Malformed {
        problem: problem.to_owned(),
    }
}
