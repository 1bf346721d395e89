//! What delivery reports mean for a message.

use super::decide::{NOTHING_MORE, Step};
use super::event::Unchanged;
use super::settle::{Context, settle};
use crate::{Attempt, AttemptOutcome, Progress, Report, ReportStatus, State, Timestamp};

pub(super) fn reported(progress: &mut Progress, context: Context<'_>, report: &Report) -> Step {
    if progress
        .reports
        .iter()
        .any(|earlier| earlier.repeats(report))
    {
        return Err(Unchanged::Repeated);
    }
    let at = reported_attempt(progress, report).ok_or(Unchanged::NoSuchAttempt)?;
    let late = progress.state == State::Unknown;
    // What is final stays so, but for one late word on what was unknown.
    let settles = if late {
        report.status.is_final()
    } else {
        !progress.state.is_final()
    };
    let recorded = progress.record_report(Report {
        late,
        ..report.clone()
    });
    let unrecorded = (!recorded).then(|| progress.clone());
    let provider = progress.attempts[at].provider.clone();
    let shared = context.rules.provider(&provider).deduplicates;
    for (number, attempt) in progress.attempts.iter_mut().enumerate() {
        // A provider that de-duplicates has one message, whatever the number of attempts.
        let same = shared && attempt.provider == provider && attempt.may_be_taken();
        if number == at || same {
            apply_report(attempt, report, context.now);
        }
    }
    if settles {
        settle(progress, context);
    }
    if unrecorded.is_some_and(|before| before == *progress) {
        // There was no room for it, and it says nothing new.
        return Err(Unchanged::Repeated);
    }
    Ok(NOTHING_MORE)
}

fn apply_report(attempt: &mut Attempt, report: &Report, now: Timestamp) {
    if attempt.provider_id.is_none() {
        attempt.provider_id.clone_from(&report.provider_id);
    }
    if gives_way_to_reports(attempt.outcome) {
        attempt.outcome = Some(AttemptOutcome::Accepted);
        attempt.finished_at = Some(now);
    }
    if report.status.is_final() && matches!(attempt.report, None | Some(ReportStatus::Unknown)) {
        attempt.report = Some(report.status);
    }
}

/// What a provider reports on it has taken, whatever the answer of the submit call says, or said
/// of its trouble. Only a refusal may well be reported as such.
fn gives_way_to_reports(outcome: Option<AttemptOutcome>) -> bool {
    matches!(
        outcome,
        None | Some(
            AttemptOutcome::Unknown
                | AttemptOutcome::Throttled
                | AttemptOutcome::Unavailable
                | AttemptOutcome::Unauthorized
        )
    )
}

/// The attempt that a report speaks of: the one with the provider's id; else the latest one that
/// the provider took or may have taken, best one whose id is not known to be another; else the
/// latest that was made at all.
fn reported_attempt(progress: &Progress, report: &Report) -> Option<usize> {
    let attempts = || {
        let all = progress.attempts.iter().enumerate().rev();
        all.filter(|(_, attempt)| attempt.provider == report.provider)
    };
    let submitted = |attempt: &Attempt| attempt.outcome != Some(AttemptOutcome::GivenBack);
    let by_id = attempts().find(|(_, attempt)| {
        report.provider_id.is_some() && attempt.provider_id == report.provider_id
    });
    let nameless = || {
        attempts().find(|(_, attempt)| {
            report.provider_id.is_some() && attempt.provider_id.is_none() && attempt.may_be_taken()
        })
    };
    let likely = || attempts().find(|(_, attempt)| attempt.may_be_taken());
    let any = || attempts().find(|(_, attempt)| submitted(attempt));
    by_id
        .or_else(nameless)
        .or_else(likely)
        .or_else(any)
        .map(|(at, _)| at)
}
