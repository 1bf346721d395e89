//! The reports that MegaFon posts.

use serde::Deserialize;
use sms_core::{
    DecodeError, Decoded, IncomingReport, MessageId, ProviderId, Reference, Reply, ReportDecoder,
    ReportRequest, ReportStatus, Subject,
};

use crate::answer;
use crate::loose::Loose;
use crate::receipt::Receipt;

/// Longest text of a report that is kept, in characters: an SMPP receipt has about 120.
const LONGEST_TEXT: usize = 500;

/// Reads MegaFon's reports. They are not signed: what proves them is the token in the URL of a
/// message's own callback.
#[derive(Debug)]
pub(super) struct Decoder;

/// A report, or a message from a phone, which comes to the same URL and has no `status`.
#[derive(Deserialize)]
struct Incoming {
    #[serde(default)]
    msg_id: Loose,
    #[serde(default)]
    receipted_message_id: Loose,
    #[serde(default)]
    status: Loose,
    #[serde(default)]
    short_message: Loose,
    #[serde(default)]
    message: Loose,
}

impl ReportDecoder for Decoder {
    fn decode(&self, request: &ReportRequest<'_>) -> Result<Decoded, DecodeError> {
        // The content type is not looked at: some versions of the platform send none.
        let incoming: Incoming = serde_json::from_slice(request.body)
            .map_err(|_| malformed("the body is not a JSON object"))?;
        let reports = match (&incoming.status.0, &incoming.message.0) {
            (Some(_), _) => vec![report(incoming)?],
            (None, Some(_)) => Vec::new(),
            (None, None) => return Err(malformed("status is missing")),
        };
        Ok(Decoded {
            reports,
            reply: Reply::default(),
        })
    }
}

fn report(incoming: Incoming) -> Result<IncomingReport, DecodeError> {
    let text = incoming.short_message.0.unwrap_or_default();
    let receipt = Receipt::read(&text);
    let status = status(incoming.status.0.as_deref(), &receipt)?;
    let subject = subject(incoming.msg_id.0.as_deref())?;
    let provider_id = match &subject {
        Subject::ProviderId(id) => Some(id.clone()),
        Subject::Id(_) | Subject::Reference(_) => None,
    };
    Ok(IncomingReport {
        subject,
        status,
        provider_id,
        receipt_id: incoming
            .receipted_message_id
            .0
            .and_then(|id| answer::receipt_id(&id)),
        code: receipt.error.and_then(answer::report_code),
        text: (!text.is_empty()).then(|| text.chars().take(LONGEST_TEXT).collect()),
    })
}

/// The message's reference, as we gave it; its id, which the older service gave; or an id of the
/// platform's own.
fn subject(msg_id: Option<&str>) -> Result<Subject, DecodeError> {
    let text = msg_id.ok_or_else(|| malformed("msg_id is missing"))?;
    if let Ok(reference) = text.parse::<Reference>() {
        return Ok(Subject::Reference(reference));
    }
    if let Ok(id) = text.parse::<MessageId>() {
        return Ok(Subject::Id(id));
    }
    text.parse::<ProviderId>()
        .map(Subject::ProviderId)
        .map_err(|_| malformed("msg_id is not an id"))
}

/// `delivered` and `delivery_failed` are all that is known to come; the receipt's state tells why
/// delivery failed, and what any other word means.
fn status(word: Option<&str>, receipt: &Receipt<'_>) -> Result<ReportStatus, DecodeError> {
    match (word, receipt.status()) {
        (Some("delivered"), _) => Ok(ReportStatus::Delivered),
        (
            Some("delivery_failed"),
            Some(why @ (ReportStatus::Expired | ReportStatus::Rejected | ReportStatus::Unknown)),
        ) => Ok(why),
        (Some("delivery_failed"), _) => Ok(ReportStatus::Undelivered),
        (_, Some(status)) => Ok(status),
        (_, None) => Err(malformed(
            "status is neither `delivered` nor `delivery_failed`",
        )),
    }
}

fn malformed(problem: &str) -> DecodeError {
    DecodeError::Malformed {
        problem: problem.to_owned(),
    }
}
