//! Writing replies.

use prost::Message as _;
use sms_core::text::{Plan, Replacement};
use sms_core::{
    Accepted, Attempt, AttemptOutcome, Cause, Encoding, Message, Preview, Priority, Report,
    ReportStatus, SenderId, State, Timestamp, Transition, UnknownPolicy,
};
use tonic::Status;

use crate::proto::v1 as wire;

/// An accepted message.
pub(super) fn accepted(accepted: &Accepted) -> wire::SendMessageResponse {
    wire::SendMessageResponse {
        message: Some(message(&accepted.message)),
        replayed: accepted.replayed,
    }
}

/// A refusal, in a reply that goes on.
pub(super) fn error(status: &Status) -> wire::Error {
    // Our own details, made a moment ago.
    let details = tonic_types::pb::Status::decode(status.details()).unwrap_or_default();
    wire::Error {
        code: status.code().into(),
        message: status.message().to_owned(),
        details: details.details,
    }
}

/// A message with its whole life.
pub(super) fn message(message: &Message) -> wire::Message {
    let request = &message.request;
    let progress = &message.progress;
    wire::Message {
        id: request.id.to_string(),
        reference: request.id.reference().to_string(),
        to: request.to.e164().into(),
        from: request.from.map_or_else(String::new, sender),
        text: request.text.as_str().to_owned(),
        encoding: encoding(request.encoding).into(),
        segments: request.segments.into(),
        priority: priority(request.priority).into(),
        on_unknown: on_unknown(request.on_unknown).into(),
        provider: request.route.to_string(),
        state: state(progress.state).into(),
        version: progress.version,
        accepted_at: Some(timestamp(request.accepted_at)),
        send_at: request.send_at.map(timestamp),
        expires_at: Some(timestamp(request.expires_at)),
        next_attempt_at: progress.ready_at.map(timestamp),
        deadline: progress.deadline.map(timestamp),
        finished_at: progress.finished_at().map(timestamp),
        ending: progress
            .ending
            .map_or(wire::State::Unspecified, state)
            .into(),
        attempts: progress.attempts.iter().map(attempt).collect(),
        reports: progress.reports.iter().map(report).collect(),
        timeline: progress.timeline.iter().map(transition).collect(),
    }
}

/// What a message would become.
pub(super) fn preview(preview: Preview) -> wire::PreviewMessageResponse {
    let Preview { plan, route } = preview;
    let Plan {
        text,
        encoding: chosen,
        original_encoding,
        segments,
        units,
        units_per_segment,
        replacements,
        ..
    } = plan;
    wire::PreviewMessageResponse {
        text: text.as_str().to_owned(),
        encoding: encoding(chosen).into(),
        original_encoding: encoding(original_encoding).into(),
        segments: count(segments),
        units: count(units),
        units_per_segment: count(units_per_segment),
        replacements: replacements.iter().map(replacement).collect(),
        provider: route.to_string(),
    }
}

fn replacement(replacement: &Replacement) -> wire::Replacement {
    wire::Replacement {
        from: replacement.from.to_string(),
        to: replacement.to.to_owned(),
        count: count(replacement.count),
    }
}

/// Texts are far shorter than what 32 bits count.
fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn sender(from: SenderId) -> String {
    from.text().into()
}

fn timestamp(time: Timestamp) -> prost_types::Timestamp {
    let millis = time.as_millis();
    prost_types::Timestamp {
        seconds: millis.div_euclid(1_000),
        // At most 999 million.
        nanos: i32::try_from(millis.rem_euclid(1_000) * 1_000_000).unwrap_or(0),
    }
}

fn attempt(attempt: &Attempt) -> wire::Attempt {
    let provider_id = attempt.provider_id.as_ref().map(ToString::to_string);
    wire::Attempt {
        number: attempt.number,
        provider: attempt.provider.to_string(),
        started_at: Some(timestamp(attempt.started_at)),
        lease_until: Some(timestamp(attempt.lease_until)),
        finished_at: attempt.finished_at.map(timestamp),
        outcome: outcome(attempt.outcome).into(),
        provider_id: provider_id.unwrap_or_default(),
        code: attempt.code.clone().unwrap_or_default(),
        description: attempt.description.clone().unwrap_or_default(),
        node: attempt
            .node
            .map_or_else(String::new, |node| node.to_string()),
        report: attempt
            .report
            .map_or(wire::ReportStatus::Unspecified, report_status)
            .into(),
    }
}

fn report(report: &Report) -> wire::Report {
    let provider_id = report.provider_id.as_ref().map(ToString::to_string);
    wire::Report {
        received_at: Some(timestamp(report.received_at)),
        provider: report.provider.to_string(),
        status: report_status(report.status).into(),
        provider_id: provider_id.unwrap_or_default(),
        receipt_id: report.receipt_id.clone().unwrap_or_default(),
        code: report.code.clone().unwrap_or_default(),
        text: report.text.clone().unwrap_or_default(),
        late: report.late,
    }
}

fn transition(transition: &Transition) -> wire::Transition {
    wire::Transition {
        sequence: transition.sequence,
        at: Some(timestamp(transition.at)),
        state: state(transition.state).into(),
        cause: cause(transition.cause).into(),
    }
}

fn encoding(encoding: Encoding) -> wire::Encoding {
    match encoding {
        Encoding::Gsm7 => wire::Encoding::Gsm7,
        Encoding::Ucs2 => wire::Encoding::Ucs2,
    }
}

fn priority(priority: Priority) -> wire::Priority {
    match priority {
        Priority::Otp => wire::Priority::Otp,
        Priority::High => wire::Priority::High,
        Priority::Normal => wire::Priority::Normal,
        Priority::Bulk => wire::Priority::Bulk,
    }
}

fn on_unknown(policy: UnknownPolicy) -> wire::UnknownPolicy {
    match policy {
        UnknownPolicy::Hold => wire::UnknownPolicy::Hold,
        UnknownPolicy::PreferDuplicate => wire::UnknownPolicy::PreferDuplicate,
        UnknownPolicy::PreferLoss => wire::UnknownPolicy::PreferLoss,
    }
}

fn state(state: State) -> wire::State {
    match state {
        State::Scheduled => wire::State::Scheduled,
        State::Queued => wire::State::Queued,
        State::Sending => wire::State::Sending,
        State::Unconfirmed => wire::State::Unconfirmed,
        State::Sent => wire::State::Sent,
        State::Delivered => wire::State::Delivered,
        State::Undelivered => wire::State::Undelivered,
        State::Rejected => wire::State::Rejected,
        State::Failed => wire::State::Failed,
        State::Expired => wire::State::Expired,
        State::Canceled => wire::State::Canceled,
        State::Unknown => wire::State::Unknown,
    }
}

fn outcome(outcome: Option<AttemptOutcome>) -> wire::AttemptOutcome {
    match outcome {
        None => wire::AttemptOutcome::Unspecified,
        Some(AttemptOutcome::Accepted) => wire::AttemptOutcome::Accepted,
        Some(AttemptOutcome::Duplicate) => wire::AttemptOutcome::Duplicate,
        Some(AttemptOutcome::Rejected) => wire::AttemptOutcome::Rejected,
        Some(AttemptOutcome::Throttled) => wire::AttemptOutcome::Throttled,
        Some(AttemptOutcome::Unavailable) => wire::AttemptOutcome::Unavailable,
        Some(AttemptOutcome::Unauthorized) => wire::AttemptOutcome::Unauthorized,
        Some(AttemptOutcome::Unknown) => wire::AttemptOutcome::Unknown,
        Some(AttemptOutcome::GivenBack) => wire::AttemptOutcome::GivenBack,
    }
}

fn report_status(status: ReportStatus) -> wire::ReportStatus {
    match status {
        ReportStatus::Buffered => wire::ReportStatus::Buffered,
        ReportStatus::Delivered => wire::ReportStatus::Delivered,
        ReportStatus::Undelivered => wire::ReportStatus::Undelivered,
        ReportStatus::Expired => wire::ReportStatus::Expired,
        ReportStatus::Rejected => wire::ReportStatus::Rejected,
        ReportStatus::Unknown => wire::ReportStatus::Unknown,
    }
}

fn cause(cause: Cause) -> wire::Cause {
    match cause {
        Cause::Accepted => wire::Cause::Accepted,
        Cause::Due => wire::Cause::Due,
        Cause::Claimed => wire::Cause::Claimed,
        Cause::GivenBack => wire::Cause::GivenBack,
        Cause::Answered => wire::Cause::Answered,
        Cause::LeaseEnded => wire::Cause::LeaseEnded,
        Cause::Reported => wire::Cause::Reported,
        Cause::Queried => wire::Cause::Queried,
        Cause::Policy => wire::Cause::Policy,
        Cause::Expired => wire::Cause::Expired,
        Cause::Canceled => wire::Cause::Canceled,
        Cause::ReportWindowEnded => wire::Cause::ReportWindowEnded,
    }
}
