//! What providers say to a submission, or to a question about one.

use super::decide::{NOTHING_MORE, Step};
use super::event::Unchanged;
use super::rules::LONGEST_WISH;
use super::settle::{Context, settle};
use crate::{
    Answer, Attempt, AttemptOutcome, ClaimToken, Progress, ProviderId, QueryAnswer, State,
    Timestamp,
};

pub(super) fn answered(
    progress: &mut Progress,
    context: Context<'_>,
    token: ClaimToken,
    answer: &Answer,
) -> Step {
    let outcome = answer.outcome.kind();
    let provider_id = answer.outcome.provider_id().cloned();
    if outcome == AttemptOutcome::Accepted {
        sort_stray_reports(progress, &context, token, provider_id.as_ref());
    }
    let attempt = attempt_of(progress, token)?;
    let known = attempt.outcome.is_some_and(|old| is_known(old, outcome));
    if known && !adds_words(attempt, outcome, provider_id.as_ref(), answer) {
        return Err(Unchanged::Repeated);
    }
    if known {
        // A report or the end of the lease told the outcome first, but not the answer's words.
        let words = answer.clone();
        // The answer's id is the one that later reports name. A report that came first may have
        // named another, which it keeps.
        attempt.provider_id = provider_id.or(attempt.provider_id.take());
        attempt.code = attempt.code.take().or(words.code);
        attempt.description = attempt.description.take().or(words.description);
        attempt.node = attempt.node.or(words.node);
    } else {
        attempt.outcome = Some(outcome);
        attempt.finished_at = Some(context.now);
        attempt.provider_id = provider_id.or(attempt.provider_id.take());
        attempt.code.clone_from(&answer.code);
        attempt.description.clone_from(&answer.description);
        attempt.node = answer.node;
    }
    // What is final stays: the answer is kept as a fact, and only a report may still tell more.
    if !progress.state.is_final() {
        let context = Context {
            retry_after: answer
                .outcome
                .retry_after()
                .map(|wish| wish.min(LONGEST_WISH)),
            ..context
        };
        settle(progress, context);
    }
    Ok(NOTHING_MORE)
}

pub(super) fn attempt_of(
    progress: &mut Progress,
    token: ClaimToken,
) -> Result<&mut Attempt, Unchanged> {
    progress
        .attempts
        .iter_mut()
        .find(|attempt| attempt.claim == token)
        .ok_or(Unchanged::NoSuchAttempt)
}

fn is_taking(outcome: AttemptOutcome) -> bool {
    matches!(
        outcome,
        AttemptOutcome::Accepted | AttemptOutcome::Duplicate
    )
}

/// Whether what an answer says of an attempt is no news. Any word settles an unknown outcome; that
/// the provider took the message is the last word.
fn is_known(old: AttemptOutcome, said: AttemptOutcome) -> bool {
    let settled = old != AttemptOutcome::Unknown && !is_taking(said);
    old == said || is_taking(old) || settled
}

fn adds_words(
    attempt: &Attempt,
    outcome: AttemptOutcome,
    provider_id: Option<&ProviderId>,
    answer: &Answer,
) -> bool {
    let agrees = |old| old == outcome || (is_taking(old) && is_taking(outcome));
    attempt.outcome.is_some_and(agrees)
        && ((provider_id.is_some() && attempt.provider_id.as_ref() != provider_id)
            || (attempt.code.is_none() && answer.code.is_some())
            || (attempt.description.is_none() && answer.description.is_some())
            || (attempt.node.is_none() && answer.node.is_some()))
}

/// A report that came before the answers, under an id that no attempt had, was taken for one of
/// some attempt without an id. The answer now tells whose the id is.
fn sort_stray_reports(
    progress: &mut Progress,
    context: &Context<'_>,
    token: ClaimToken,
    answered: Option<&ProviderId>,
) {
    let attempts = &mut progress.attempts;
    let Some(at) = attempts.iter().position(|attempt| attempt.claim == token) else {
        return;
    };
    let Attempt {
        provider,
        provider_id,
        ..
    } = &attempts[at];
    let shared = context.rules.provider(provider).deduplicates;
    if shared || answered.is_none() || provider_id.as_ref() == answered {
        return;
    }
    let by_report = |other: &Attempt| {
        other.provider == *provider && other.code.is_none() && other.node.is_none()
    };
    let has_it = |other: &Attempt| by_report(other) && other.provider_id.as_ref() == answered;
    let has_none =
        |other: &Attempt| by_report(other) && other.provider_id.is_none() && other.is_unresolved();
    let mistaken = attempts.iter().position(has_it).or_else(|| {
        provider_id.as_ref()?;
        attempts.iter().rposition(has_none)
    });
    if let Some(other) = mistaken {
        exchange_reports(attempts, at, other, context.now);
    }
}

fn exchange_reports(attempts: &mut [Attempt], answered: usize, other: usize, now: Timestamp) {
    let attempt = &mut attempts[answered];
    attempt.outcome = None;
    let (provider_id, report) = (attempt.provider_id.take(), attempt.report.take());
    let other = &mut attempts[other];
    let taken = provider_id.is_some() || report.is_some();
    other.outcome = Some(if taken {
        AttemptOutcome::Accepted
    } else {
        AttemptOutcome::Unknown
    });
    other.finished_at = taken.then_some(now);
    let theirs = (
        std::mem::replace(&mut other.provider_id, provider_id),
        std::mem::replace(&mut other.report, report),
    );
    let attempt = &mut attempts[answered];
    (attempt.provider_id, attempt.report) = theirs;
}

pub(super) fn queried(progress: &mut Progress, context: Context<'_>, answer: &QueryAnswer) -> Step {
    if progress.state != State::Unconfirmed {
        return Err(Unchanged::NotApplicable(progress.state));
    }
    if *answer == QueryAnswer::Unknown {
        return Err(Unchanged::Repeated);
    }
    let latest = progress
        .attempts
        .iter()
        .rposition(Attempt::is_unresolved)
        .ok_or(Unchanged::NoSuchAttempt)?;
    let provider = progress.attempts[latest].provider.clone();
    // Not to have the message is said of every attempt; to have it only where all are one.
    let all = *answer == QueryAnswer::NotTaken || context.rules.provider(&provider).deduplicates;
    for (at, attempt) in progress.attempts.iter_mut().enumerate() {
        let same = all && attempt.provider == provider && attempt.is_unresolved();
        if at == latest || same {
            apply_query(attempt, answer);
            attempt.finished_at = Some(context.now);
        }
    }
    settle(progress, context);
    Ok(NOTHING_MORE)
}

fn apply_query(attempt: &mut Attempt, answer: &QueryAnswer) {
    match answer {
        QueryAnswer::Unknown => {}
        QueryAnswer::NotTaken => attempt.outcome = Some(AttemptOutcome::Unavailable),
        QueryAnswer::Taken {
            provider_id,
            status,
        } => {
            attempt.outcome = Some(AttemptOutcome::Accepted);
            attempt.provider_id = provider_id.clone().or(attempt.provider_id.take());
            attempt.report = status.filter(|status| status.is_final());
        }
    }
}
