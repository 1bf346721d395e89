//! The report of the older service: `POST /callback` with a small JSON object.

use serde::Deserialize;
use serde_json::value::RawValue;
use sms_core::{
    DecodeError, Decoded, IncomingReport, MessageId, ProviderId, Reference, Reply, ReportDecoder,
    ReportRequest, ReportStatus, Subject,
};

/// Longest words of a provider that are kept, in characters: about two of its receipts.
const LONGEST_TEXT: usize = 500;
/// Longest receipt id that is taken, in bytes.
const LONGEST_RECEIPT_ID: usize = 255;

/// Reads the reports of the older service, whatever their content type says.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LegacyDecoder;

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    msg_id: Option<&'a RawValue>,
    #[serde(borrow)]
    receipted_message_id: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    short_message: Option<&'a RawValue>,
}

impl ReportDecoder for LegacyDecoder {
    fn decode(&self, request: &ReportRequest<'_>) -> Result<Decoded, DecodeError> {
        // A bad character in the provider's words is no reason to lose the report.
        let text = String::from_utf8_lossy(request.body);
        let text = text.trim_start_matches('\u{feff}');
        let body: Body<'_> = serde_json::from_str(text).map_err(|error| not_an_object(&error))?;
        Ok(Decoded {
            reports: vec![body.report()?],
            reply: Reply::default(),
        })
    }
}

impl Body<'_> {
    fn report(&self) -> Result<IncomingReport, DecodeError> {
        let name = text_of(self.msg_id).ok_or_else(|| malformed("msg_id", "text"))?;
        let provider_id = name.parse::<ProviderId>().ok();
        let receipt_id = text_of(self.receipted_message_id)
            .filter(|id| id.len() <= LONGEST_RECEIPT_ID)
            .ok_or_else(|| malformed("receipted_message_id", "text of at most 255 bytes, or a number"))?;
        let words = self.short_message.and_then(|value| text_of(Some(value)));
        Ok(IncomingReport {
            subject: subject(&name, provider_id.as_ref())?,
            status: self.status(words.as_deref())?,
            provider_id,
            receipt_id: Some(receipt_id),
            code: words.as_deref().and_then(|words| field(words, "err:")).map(Into::into),
            text: words.map(shortened),
        })
    }

    fn status(&self, words: Option<&str>) -> Result<ReportStatus, DecodeError> {
        match text_of(self.status).as_deref() {
            Some("delivered") => Ok(ReportStatus::Delivered),
            Some("delivery_failed") => Ok(failure(words.unwrap_or_default())),
            _ => Err(malformed("status", "delivered or delivery_failed")),
        }
    }
}

/// How a report names its message: by our id, by the reference that stands for it, or by an id
/// that is the provider's own.
fn subject(name: &str, provider_id: Option<&ProviderId>) -> Result<Subject, DecodeError> {
    if let Ok(id) = name.parse::<MessageId>() {
        return Ok(Subject::Id(id));
    }
    if let Ok(reference) = name.parse::<Reference>() {
        return Ok(Subject::Reference(reference));
    }
    provider_id
        .cloned()
        .map(Subject::ProviderId)
        .ok_or_else(|| malformed("msg_id", "1 to 255 printable ASCII characters"))
}

/// A JSON string, or a number with the digits it was written with.
fn text_of(value: Option<&RawValue>) -> Option<String> {
    let raw = value?.get();
    match raw.as_bytes().first()? {
        b'"' => serde_json::from_str(raw).ok(),
        b'-' | b'0'..=b'9' => Some(raw.to_owned()),
        _ => None,
    }
}

/// Why a delivery failed, as the receipt says it in the words of SMPP 3.4, appendix B.
fn failure(words: &str) -> ReportStatus {
    match field(words, "stat:") {
        Some("EXPIRED") => ReportStatus::Expired,
        Some("REJECTD") => ReportStatus::Rejected,
        Some("UNKNOWN") => ReportStatus::Unknown,
        _ => ReportStatus::Undelivered,
    }
}

/// The value behind a name in the text of a receipt. The text of the message itself comes last
/// and is not searched.
fn field<'a>(words: &'a str, name: &str) -> Option<&'a str> {
    words
        .split_ascii_whitespace()
        .take_while(|word| !word.to_ascii_lowercase().starts_with("text:"))
        .find_map(|word| word.strip_prefix(name))
        .filter(|value| !value.is_empty() && value.len() <= 16)
}

fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LONGEST_TEXT) {
        text.truncate(end);
    }
    text
}

fn malformed(field: &str, expected: &str) -> DecodeError {
    DecodeError::Malformed {
        problem: format!("{field}: expected {expected}"),
    }
}

/// Says where, but not what: the error's own words may quote a number or a text.
fn not_an_object(error: &serde_json::Error) -> DecodeError {
    let (line, column) = (error.line(), error.column());
    DecodeError::Malformed {
        problem: if error.is_data() {
            format!("expected one JSON object, with each name once (line {line}, column {column})")
        } else {
            format!("not JSON (line {line}, column {column})")
        },
    }
}

#[cfg(test)]
mod tests;
