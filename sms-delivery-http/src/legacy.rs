//! The report of the older service: `POST /callback` with a small JSON object.

use serde::Deserialize;
use serde_json::value::RawValue;
use sms_core::{
    DecodeError, IncomingReport, MessageId, ProviderId, Reference, ReportStatus, Subject,
};

/// Longest words of a provider that are kept, in characters: about two of its receipts.
const LONGEST_TEXT: usize = 500;
/// Longest receipt id that is taken, in bytes.
const LONGEST_RECEIPT_ID: usize = 255;

/// A report as the older service took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LegacyReport {
    /// The report. Its subject is what the name looks like.
    pub(crate) report: IncomingReport,
    /// The name as it came, for a provider whose own ids look like ours.
    pub(crate) name: Option<ProviderId>,
}

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

/// Reads a report, whatever its content type said.
pub(crate) fn read(body: &[u8]) -> Result<LegacyReport, DecodeError> {
    // A bad character in the provider's words is no reason to lose the report.
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim_ascii_start();
    // A list of the values alone would do for the parser, but is nothing that was ever promised.
    if !text.starts_with('{') {
        return Err(malformed("body", "a JSON object"));
    }
    let body: Body<'_> = serde_json::from_str(text).map_err(|error| not_an_object(&error))?;
    body.report()
}

impl Body<'_> {
    fn report(&self) -> Result<LegacyReport, DecodeError> {
        let text = text_of(self.msg_id).ok_or_else(|| malformed("msg_id", "text"))?;
        let name = text.parse::<ProviderId>().ok();
        let subject = subject(&text, name.as_ref())?;
        let words = text_of(self.short_message);
        let report = IncomingReport {
            // Where the name is ours, it is not the provider's.
            provider_id: name
                .clone()
                .filter(|_| matches!(subject, Subject::ProviderId(_))),
            subject,
            status: self.status(words.as_deref().unwrap_or_default())?,
            receipt_id: Some(self.receipt_id()?),
            code: words
                .as_deref()
                .and_then(|words| field(words, "err:"))
                .map(Into::into),
            text: words.map(shortened),
        };
        Ok(LegacyReport { report, name })
    }

    fn receipt_id(&self) -> Result<String, DecodeError> {
        text_of(self.receipted_message_id)
            .filter(|id| id.len() <= LONGEST_RECEIPT_ID)
            .ok_or_else(|| {
                let expected = "text of at most 255 bytes, or a number";
                malformed("receipted_message_id", expected)
            })
    }

    fn status(&self, words: &str) -> Result<ReportStatus, DecodeError> {
        match text_of(self.status).as_deref() {
            Some("delivered") => Ok(ReportStatus::Delivered),
            Some("delivery_failed") => Ok(failure(words)),
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
    let what = if error.is_data() {
        "a name that comes twice"
    } else {
        "not JSON"
    };
    let (line, column) = (error.line(), error.column());
    DecodeError::Malformed {
        problem: format!("{what} (line {line}, column {column})"),
    }
}

#[cfg(test)]
mod tests;
