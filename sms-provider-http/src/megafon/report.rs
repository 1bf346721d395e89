//! The reports that MegaFon posts.

use serde::Deserialize;
use sms_core::{
    DecodeError, Decoded, IncomingReport, MessageId, Proof, ProviderId, Reference, Reply,
    ReportDecoder, ReportRequest, ReportStatus, Subject,
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
    fn proof(&self) -> Proof<'_> {
        Proof::Source
    }

    fn decode(&self, request: &ReportRequest<'_>) -> Result<Decoded, DecodeError> {
        // The content type is not looked at: some versions of the platform send none.
        let incoming: Incoming = serde_json::from_slice(request.body)
            .map_err(|_| malformed("the body is not a JSON object"))?;
        let reports = match (&incoming.status.0, &incoming.message.0) {
            (Some(_), _) => vec![report(incoming)],
            (None, Some(_)) => Vec::new(),
            (None, None) => return Err(malformed("status is missing")),
        };
        Ok(Decoded {
            reports,
            skipped: 0,
            reply: Reply::default(),
        })
    }
}

fn report(incoming: Incoming) -> IncomingReport {
    let text = incoming.short_message.0.unwrap_or_default();
    let receipt = Receipt::read(&text);
    let status = status(incoming.status.0.as_deref(), &receipt);
    let subject = subject(incoming.msg_id.0.as_deref().unwrap_or_default());
    let provider_id = match &subject {
        Subject::ProviderId(id) => Some(id.clone()),
        Subject::Id(_) | Subject::Reference(_) | Subject::Unnamed => None,
    };
    IncomingReport {
        subject,
        status,
        provider_id,
        receipt_id: incoming
            .receipted_message_id
            .0
            .and_then(|id| answer::receipt_id(&id)),
        code: receipt.error.and_then(answer::report_code),
        text: (!text.is_empty()).then(|| text.chars().take(LONGEST_TEXT).collect()),
    }
}

/// The message's reference, as we gave it; its id, which the older service gave; an id of the
/// platform's own; or nothing of use. The last is no reason to lose the report: it comes to the
/// callback of its message.
fn subject(msg_id: &str) -> Subject {
    let reference = || msg_id.parse::<Reference>().map(Subject::Reference).ok();
    let id = || msg_id.parse::<MessageId>().map(Subject::Id).ok();
    let provider_id = || msg_id.parse::<ProviderId>().map(Subject::ProviderId).ok();
    reference()
        .or_else(id)
        .or_else(provider_id)
        .unwrap_or(Subject::Unnamed)
}

/// `delivered` and `delivery_failed` are all that is known to come; the receipt's state tells why
/// delivery failed, and what any other word means. A word that nothing explains is taken for a
/// step on the way: a final status would close the message for good, and a refusal lose the
/// report.
fn status(word: Option<&str>, receipt: &Receipt<'_>) -> ReportStatus {
    let word = word.unwrap_or_default().trim().to_ascii_lowercase();
    match (word.as_str(), receipt.status()) {
        ("delivered", _) => ReportStatus::Delivered,
        (
            "delivery_failed",
            Some(why @ (ReportStatus::Expired | ReportStatus::Rejected | ReportStatus::Unknown)),
        ) => why,
        ("delivery_failed", _) => ReportStatus::Undelivered,
        (_, status) => status.unwrap_or(ReportStatus::Buffered),
    }
}

fn malformed(problem: &str) -> DecodeError {
    DecodeError::Malformed {
        problem: problem.to_owned(),
    }
}
