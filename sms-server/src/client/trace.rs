//! The whole life of a message for people.

use prost_types::Timestamp as WireTime;
use sms_grpc::proto::v1 as wire;

use super::clean::clean;
use super::message;
use super::style::Style;
use super::words;

/// What happened, and what came of it.
pub(super) fn whole_life(of: &wire::Message, style: Style) -> String {
    let mut text = message::details(of, style);
    text.push_str("\nTimeline (from when it was accepted)\n");
    for transition in &of.timeline {
        text.push_str(&format!("  {}\n", happening(of, transition, style)));
    }
    section(&mut text, "Attempts", of.attempts.iter().map(attempt));
    section(
        &mut text,
        "Reports",
        of.reports.iter().map(|report| self::report(of, report)),
    );
    text
}

fn section(text: &mut String, name: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<_> = lines.collect();
    if !lines.is_empty() {
        text.push_str(&format!("\n{name}\n"));
        lines
            .iter()
            .for_each(|line| text.push_str(&format!("  {line}\n")));
    }
}

/// How long after it was accepted.
fn since_accepted(of: &wire::Message, at: Option<&WireTime>) -> String {
    match (&of.accepted_at, at) {
        (Some(accepted), Some(at)) => format!("+{}", words::span(accepted, at)),
        _ => "?".into(),
    }
}

/// One change of state in one line.
pub(super) fn happening(of: &wire::Message, change: &wire::Transition, style: Style) -> String {
    let clock = change.at.as_ref().map(words::clock).unwrap_or_default();
    let state = words::state(change.state);
    let state = style.state(change.state(), &format!("{state:<11}"));
    let since = since_accepted(of, change.at.as_ref());
    format!(
        "{}  {since:>12}  {state}  {}",
        style.dim(&clock),
        why(of, change)
    )
}

fn why(of: &wire::Message, change: &wire::Transition) -> String {
    let cause = change.cause();
    match cause {
        wire::Cause::Accepted => "accepted".into(),
        wire::Cause::Due => "its time came".into(),
        wire::Cause::Claimed => match begun(of, change) {
            Some(attempt) => format!("attempt {} at {}", attempt.number, attempt.provider),
            None => "attempt begun".into(),
        },
        wire::Cause::GivenBack => "given back before anything was sent".into(),
        wire::Cause::Answered => match ended(of, change) {
            Some(attempt) => format!(
                "{} answered: {}",
                attempt.provider,
                message::answer(attempt)
            ),
            None => "the provider answered".into(),
        },
        wire::Cause::LeaseEnded => "no word of the attempt within its lease".into(),
        wire::Cause::Reported => match reported(of, change) {
            Some(report) => format!("{} reported: {}", report.provider, said(report)),
            None => "reported".into(),
        },
        wire::Cause::Queried => "the provider was asked".into(),
        wire::Cause::Policy => "policy for unknown outcomes".into(),
        wire::Cause::Expired => "its validity ended".into(),
        wire::Cause::Canceled => "taken back by its sender".into(),
        wire::Cause::ReportWindowEnded => "no report came in time".into(),
        wire::Cause::Unspecified => String::new(),
    }
}

/// The last attempt that had begun by then.
fn begun<'a>(of: &'a wire::Message, change: &wire::Transition) -> Option<&'a wire::Attempt> {
    let at = change.at.as_ref().map(words::time);
    let by_then = |attempt: &&wire::Attempt| attempt.started_at.as_ref().map(words::time) <= at;
    of.attempts.iter().rev().find(by_then)
}

fn ended<'a>(of: &'a wire::Message, change: &wire::Transition) -> Option<&'a wire::Attempt> {
    let at = change.at.as_ref().map(words::time);
    let then = |attempt: &&wire::Attempt| attempt.finished_at.as_ref().map(words::time) == at;
    of.attempts.iter().rev().find(then)
}

fn reported<'a>(of: &'a wire::Message, change: &wire::Transition) -> Option<&'a wire::Report> {
    let at = change.at.as_ref().map(words::time);
    let by_then = |report: &&wire::Report| report.received_at.as_ref().map(words::time) <= at;
    of.reports.iter().rev().find(by_then)
}

fn said(report: &wire::Report) -> String {
    let status = words::report_status(report.status);
    match report.code.is_empty() {
        true => status,
        false => format!("{status} (code {})", clean(&report.code)),
    }
}

fn attempt(attempt: &wire::Attempt) -> String {
    let took = match (&attempt.started_at, &attempt.finished_at) {
        (Some(started), Some(finished)) => words::span(started, finished),
        _ => "-".into(),
    };
    let mut line = format!(
        "{}. {}  {took:>9}  {}",
        attempt.number,
        attempt.provider,
        message::answer(attempt)
    );
    for (name, value) in [("id", &attempt.provider_id), ("node", &attempt.node)] {
        if !value.is_empty() {
            line.push_str(&format!("  {name} {}", clean(value)));
        }
    }
    line
}

fn report(of: &wire::Message, report: &wire::Report) -> String {
    let since = since_accepted(of, report.received_at.as_ref());
    let mut line = format!("{since:>12}  {}  {}", report.provider, said(report));
    if !report.text.is_empty() {
        line.push_str(&format!("  {}", clean(&report.text)));
    }
    if report.late {
        line.push_str("  (late)");
    }
    line
}
