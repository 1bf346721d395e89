//! The life of a message in the words of the older service.

use sms_core::{Attempt, AttemptOutcome, Message, Report, ReportStatus, State, Timestamp};

use crate::proto::legacy::{DeliveryStatus, MessageStatus};

/// The provider took it.
const TAKEN: i32 = 0;
/// Nothing is known yet, or there is no such message.
const NOTHING_KNOWN: i32 = -1;
/// It was not taken, and the provider gave no code that is a number of its own.
const NOT_TAKEN: i32 = 1;

/// The address that stands for none.
const NO_NODE: &str = "0.0.0.0";

const DELIVERED: &str = "delivered";
const DELIVERY_FAILED: &str = "delivery_failed";
const NO_REPORT_YET: &str = "no_report_yet";

/// What the provider said when it was given the message.
pub(super) fn of_submission(message: Option<&Message>, now: Timestamp) -> MessageStatus {
    let Some(message) = message else {
        return without_attempt("no such message", NOTHING_KNOWN, now);
    };
    let progress = &message.progress;
    let taken = progress.attempts.iter().rfind(|attempt| attempt.is_taken());
    if let Some(attempt) = taken {
        return of_attempt(attempt, TAKEN, now);
    }
    let state = progress.state;
    let spoken = progress.attempts.iter().rfind(|attempt| has_word(attempt));
    match spoken {
        Some(attempt) => match own_code(attempt) {
            Some(code) => of_attempt(attempt, code, now),
            None if is_settled(state) => of_attempt(attempt, NOT_TAKEN, now),
            None => of_attempt(attempt, NOTHING_KNOWN, now),
        },
        None if is_settled(state) => {
            let at = progress.finished_at().unwrap_or(now);
            without_attempt(state.as_str(), NOT_TAKEN, at)
        }
        None => without_attempt(state.as_str(), NOTHING_KNOWN, now),
    }
}

/// Whether nothing more will come: `Unknown` says only that nobody said anything.
fn is_settled(state: State) -> bool {
    state.is_final() && state != State::Unknown
}

fn has_word(attempt: &Attempt) -> bool {
    !matches!(attempt.outcome, None | Some(AttemptOutcome::GivenBack))
}

/// The provider's code, if it is a number that does not mean anything else here.
fn own_code(attempt: &Attempt) -> Option<i32> {
    let code: i32 = attempt.code.as_deref()?.trim().parse().ok()?;
    Some(code).filter(|code| ![TAKEN, NOTHING_KNOWN].contains(code))
}

fn of_attempt(attempt: &Attempt, code: i32, now: Timestamp) -> MessageStatus {
    let ours = || {
        attempt
            .outcome
            .map_or("", AttemptOutcome::as_str)
            .to_owned()
    };
    MessageStatus {
        description: attempt.description.clone().unwrap_or_else(ours),
        code,
        ipaddress: attempt
            .node
            .map_or_else(|| NO_NODE.to_owned(), |node| node.to_string()),
        response_datetime: attempt.finished_at.unwrap_or(now).to_string(),
    }
}

fn without_attempt(description: &str, code: i32, at: Timestamp) -> MessageStatus {
    MessageStatus {
        description: description.to_owned(),
        code,
        ipaddress: NO_NODE.to_owned(),
        response_datetime: at.to_string(),
    }
}

/// What the provider said later about the delivery.
pub(super) fn of_delivery(
    asked: String,
    message: Option<&Message>,
    now: Timestamp,
) -> DeliveryStatus {
    let (status, report) = match message.map(Message::state) {
        Some(State::Delivered) => (DELIVERED, message.and_then(delivery)),
        Some(State::Undelivered) => (DELIVERY_FAILED, message.and_then(failure)),
        _ => (NO_REPORT_YET, None),
    };
    let Some(report) = report else {
        return DeliveryStatus {
            message_id: asked,
            status: status.to_owned(),
            response_datetime: now.to_string(),
            ..DeliveryStatus::default()
        };
    };
    let provider_id = report.provider_id.as_ref().map(ToString::to_string);
    DeliveryStatus {
        message_id: asked,
        receipted_message_id: report
            .receipt_id
            .clone()
            .or(provider_id)
            .unwrap_or_default(),
        status: status.to_owned(),
        short_message: report.text.clone().unwrap_or_default(),
        response_datetime: report.received_at.to_string(),
    }
}

fn delivery(message: &Message) -> Option<&Report> {
    let mut reports = message.progress.reports.iter();
    reports.find(|report| report.status == ReportStatus::Delivered)
}

fn failure(message: &Message) -> Option<&Report> {
    let mut reports = message.progress.reports.iter();
    reports.rfind(|report| report.status.is_final() && report.status != ReportStatus::Unknown)
}
