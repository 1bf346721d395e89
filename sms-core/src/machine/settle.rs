//! Reading the state of a message off the facts that are known of it.

use std::time::Duration;

use super::rules::{FIRST_QUERY_AFTER, Rules};
use crate::{
    Attempt, AttemptOutcome, Cause, Progress, ReportStatus, Request, State, Timestamp,
    UnknownPolicy,
};

/// What settling needs besides the facts.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) rules: &'a Rules,
    pub(super) request: &'a Request,
    pub(super) now: Timestamp,
    pub(super) cause: Cause,
    /// How long the provider asks to wait before the next attempt.
    pub(super) retry_after: Option<Duration>,
}

/// Brings the state in line with the facts after one of them changed.
pub(super) fn settle(progress: &mut Progress, context: Context<'_>) {
    if let Some(state) = told_by_reports(progress) {
        // What is unresolved has had its time when the message was given up.
        let late = progress.state == State::Unknown;
        if state == State::Delivered || late || !progress.attempts.iter().any(is_open) {
            return progress.enter(state, context.now, context.cause);
        }
    }
    if progress.state.is_final() || progress.attempts.iter().any(Attempt::is_in_flight) {
        return;
    }
    if let Some(taken_at) = awaiting_report(progress) {
        let window = report_window(progress, &context);
        progress.enter(State::Sent, context.now, context.cause);
        progress.deadline = Some(taken_at + window);
        return;
    }
    if progress.attempts.iter().any(Attempt::is_taken) {
        return await_the_rest(progress, context);
    }
    match progress.last_attempt().and_then(|last| last.outcome) {
        Some(AttemptOutcome::Rejected) => end(progress, State::Rejected, context),
        // A newer plan exists already; the fact that came changes nothing about it.
        _ if progress.state == State::Queued => {}
        Some(AttemptOutcome::Unknown) => hold(progress, context),
        _ => try_again(progress, context),
    }
}

/// Whether a report may still tell of this attempt.
fn is_open(attempt: &Attempt) -> bool {
    attempt.report.is_none() && attempt.may_be_taken()
}

/// The final state that the reports tell, as far as they go.
fn told_by_reports(progress: &Progress) -> Option<State> {
    let mut told = None;
    for report in progress
        .attempts
        .iter()
        .filter_map(|attempt| attempt.report)
    {
        match report {
            ReportStatus::Delivered => return Some(State::Delivered),
            ReportStatus::Unknown => told = told.or(Some(State::Unknown)),
            _ => told = Some(State::Undelivered),
        }
    }
    told
}

/// When the attempt whose report is awaited was taken.
fn awaiting_report(progress: &Progress) -> Option<Timestamp> {
    progress
        .attempts
        .iter()
        .filter(|attempt| attempt.is_taken() && attempt.report.is_none())
        .map(|attempt| attempt.finished_at.unwrap_or(attempt.started_at))
        .max()
}

/// What was taken was not delivered, but another attempt is unresolved: it may have been.
fn await_the_rest(progress: &mut Progress, context: Context<'_>) {
    progress.ending = told_by_reports(progress);
    progress.enter(State::Sent, context.now, context.cause);
    progress.deadline = Some(window_end(progress, &context).max(context.now));
}

fn report_window(progress: &Progress, context: &Context<'_>) -> Duration {
    progress
        .last_attempt()
        .map(|last| context.rules.provider(&last.provider).report_window)
        .unwrap_or_default()
}

/// Ends the message, unless an attempt is unresolved: then only a report can say how it ended.
pub(super) fn end(progress: &mut Progress, state: State, context: Context<'_>) {
    if progress.attempts.iter().any(Attempt::is_unresolved) {
        progress.ending = Some(state);
        hold(progress, context);
    } else {
        progress.enter(state, context.now, context.cause);
    }
}

/// After an attempt that was surely not taken: another one later, or the end.
fn try_again(progress: &mut Progress, context: Context<'_>) {
    if let Some(state) = progress.ending {
        return end(progress, state, context);
    }
    if retries_used(progress) > context.rules.retry.max_retries() {
        return end(progress, State::Failed, context);
    }
    let ready_at = context.now + retry_delay(progress, &context);
    if ready_at >= context.request.expires_at {
        return end(progress, State::Expired, context);
    }
    progress.enter(State::Queued, context.now, context.cause);
    progress.ready_at = Some(ready_at);
    progress.deadline = Some(ready_at);
}

fn retries_used(progress: &Progress) -> u32 {
    let counted = progress
        .attempts
        .iter()
        .filter_map(|attempt| attempt.outcome)
        .filter(|outcome| outcome.counts_as_retry())
        .count();
    u32::try_from(counted).unwrap_or(u32::MAX)
}

fn retry_delay(progress: &Progress, context: &Context<'_>) -> Duration {
    let last = progress.last_attempt().and_then(|last| last.outcome);
    if last == Some(AttemptOutcome::GivenBack) {
        return Duration::ZERO;
    }
    // How many attempts in a row ended so, which is what the delay grows by.
    let trail = progress
        .attempts
        .iter()
        .rev()
        .take_while(|attempt| attempt.outcome == last)
        .count();
    let retry = if last.is_some_and(AttemptOutcome::counts_as_retry) {
        retries_used(progress)
    } else {
        u32::try_from(trail).unwrap_or(u32::MAX)
    };
    let retry = retry.saturating_sub(1);
    context
        .rules
        .retry
        .delay(retry, context.request.id, context.retry_after)
}

/// After an attempt whose outcome nobody knows: what its message's policy says.
pub(super) fn hold(progress: &mut Progress, context: Context<'_>) {
    progress.enter(State::Unconfirmed, context.now, context.cause);
    progress.deadline = Some(held_until(progress, &context));
}

fn held_until(progress: &Progress, context: &Context<'_>) -> Timestamp {
    let delay = retry_delay(progress, context);
    let next = match after_hold(progress, context, delay) {
        AfterHold::SubmitAgain { blindly: false } => context.now + delay,
        AfterHold::SubmitAgain { blindly: true } => {
            confirmed_until(progress, context).max(context.now + delay)
        }
        AfterHold::Ask => context.now + query_pause(progress, context),
        AfterHold::GiveUp => give_up_at(progress, context),
    };
    next.min(window_end(progress, context)).max(context.now)
}

/// Until when a report is waited for before a policy takes effect that bears a risk.
fn confirmed_until(progress: &Progress, context: &Context<'_>) -> Timestamp {
    progress.since().unwrap_or(context.now) + context.rules.confirm_window
}

/// When an unconfirmed message that is not to be submitted again is given up.
pub(super) fn give_up_at(progress: &Progress, context: &Context<'_>) -> Timestamp {
    let end = window_end(progress, context);
    if gives_up_early(progress, context) {
        end.min(confirmed_until(progress, context))
    } else {
        end
    }
}

/// What is to be done about an unconfirmed message once its deadline has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterHold {
    /// Submit it again.
    SubmitAgain {
        /// Whether the provider might take it twice.
        blindly: bool,
    },
    /// Ask the provider.
    Ask,
    /// Nothing will come of it any more.
    GiveUp,
}

/// What is to be done if that happens after `delay`.
pub(super) fn after_hold(progress: &Progress, context: &Context<'_>, delay: Duration) -> AfterHold {
    let Some(last) = progress.last_attempt() else {
        return AfterHold::GiveUp;
    };
    let provider = context.rules.provider(&last.provider);
    let safe = provider.deduplicates;
    let wanted = context.request.on_unknown == UnknownPolicy::PreferDuplicate;
    if (safe || wanted) && may_submit_again(progress, last, context, delay) {
        return AfterHold::SubmitAgain { blindly: !safe };
    }
    if provider.answers_queries && context.now < window_end(progress, context) {
        return AfterHold::Ask;
    }
    AfterHold::GiveUp
}

fn may_submit_again(
    progress: &Progress,
    last: &Attempt,
    context: &Context<'_>,
    delay: Duration,
) -> bool {
    last.is_unresolved()
        && progress.ending.is_none()
        && retries_used(progress) <= context.rules.retry.max_retries()
        && context.now + delay < context.request.expires_at
}

fn gives_up_early(progress: &Progress, context: &Context<'_>) -> bool {
    let last = progress.last_attempt();
    context.request.on_unknown == UnknownPolicy::PreferLoss
        && !last.is_some_and(|last| context.rules.provider(&last.provider).deduplicates)
}

/// Until when a report may settle the unresolved attempts.
pub(super) fn window_end(progress: &Progress, context: &Context<'_>) -> Timestamp {
    progress
        .attempts
        .iter()
        .filter(|attempt| attempt.is_unresolved() || attempt.is_taken())
        .map(|attempt| attempt.started_at + context.rules.provider(&attempt.provider).report_window)
        .max()
        .unwrap_or(context.now)
}

/// As long again as the message has been held, so that the questions grow rare.
pub(super) fn query_pause(progress: &Progress, context: &Context<'_>) -> Duration {
    let held = match progress.since() {
        Some(since) if progress.state == State::Unconfirmed => context.now.since(since),
        _ => Duration::ZERO,
    };
    held.max(FIRST_QUERY_AFTER)
}
