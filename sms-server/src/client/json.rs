//! Answers as JSON. Keys are only ever added, and absent values are null.

use prost_types::Timestamp as WireTime;
use serde_json::{Value, json};
use sms_grpc::proto::v1 as wire;

use super::words;

fn time(at: Option<&WireTime>) -> Value {
    at.map(|at| words::time(at).to_string()).into()
}

/// The text, or null where it is empty.
fn text(text: &str) -> Value {
    (!text.is_empty()).then_some(text).into()
}

/// A message with its whole life.
pub(super) fn message(message: &wire::Message) -> Value {
    json!({
        "id": message.id,
        "reference": message.reference,
        "to": message.to,
        "from": text(&message.from),
        "text": message.text,
        "encoding": words::encoding(message.encoding),
        "segments": message.segments,
        "priority": words::priority(message.priority),
        "on_unknown": words::on_unknown(message.on_unknown),
        "provider": message.provider,
        "state": words::state(message.state),
        "version": message.version,
        "accepted_at": time(message.accepted_at.as_ref()),
        "send_at": time(message.send_at.as_ref()),
        "expires_at": time(message.expires_at.as_ref()),
        "next_attempt_at": time(message.next_attempt_at.as_ref()),
        "deadline": time(message.deadline.as_ref()),
        "finished_at": time(message.finished_at.as_ref()),
        "ending": text(&words::state(message.ending)),
        "attempts": message.attempts.iter().map(attempt).collect::<Vec<_>>(),
        "reports": message.reports.iter().map(report).collect::<Vec<_>>(),
        "timeline": message.timeline.iter().map(transition).collect::<Vec<_>>(),
    })
}

fn attempt(attempt: &wire::Attempt) -> Value {
    json!({
        "number": attempt.number,
        "provider": attempt.provider,
        "started_at": time(attempt.started_at.as_ref()),
        "lease_until": time(attempt.lease_until.as_ref()),
        "finished_at": time(attempt.finished_at.as_ref()),
        "outcome": text(&words::outcome(attempt.outcome)),
        "provider_id": text(&attempt.provider_id),
        "code": text(&attempt.code),
        "description": text(&attempt.description),
        "node": text(&attempt.node),
        "report": text(&words::report_status(attempt.report)),
    })
}

fn report(report: &wire::Report) -> Value {
    json!({
        "received_at": time(report.received_at.as_ref()),
        "provider": report.provider,
        "status": words::report_status(report.status),
        "provider_id": text(&report.provider_id),
        "receipt_id": text(&report.receipt_id),
        "code": text(&report.code),
        "text": text(&report.text),
        "late": report.late,
    })
}

fn transition(transition: &wire::Transition) -> Value {
    json!({
        "sequence": transition.sequence,
        "at": time(transition.at.as_ref()),
        "state": words::state(transition.state),
        "cause": words::cause(transition.cause),
    })
}

/// That a message was accepted.
pub(super) fn accepted(accepted: &wire::Message, replayed: bool) -> Value {
    json!({ "replayed": replayed, "message": message(accepted) })
}

/// What a text becomes.
pub(super) fn preview(preview: &wire::PreviewMessageResponse) -> Value {
    let replacement =
        |one: &wire::Replacement| json!({ "from": one.from, "to": one.to, "count": one.count });
    json!({
        "text": preview.text,
        "encoding": words::encoding(preview.encoding),
        "original_encoding": words::encoding(preview.original_encoding),
        "segments": preview.segments,
        "units": preview.units,
        "units_per_segment": preview.units_per_segment,
        "replacements": preview.replacements.iter().map(replacement).collect::<Vec<_>>(),
        "provider": preview.provider,
    })
}
