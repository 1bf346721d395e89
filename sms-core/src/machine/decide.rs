//! The decision function.

use std::time::Duration;

use super::answers::{answered, attempt_of, queried};
use super::event::{Event, Unchanged};
use super::reports::reported;
use super::rules::Rules;
use super::settle::{
    AfterHold, Context, after_hold, end, give_up_at, hold, query_pause, settle, window_end,
};
use crate::{
    Attempt, AttemptOutcome, Cause, ClaimToken, Message, Progress, ProviderName, State, Timestamp,
};

/// What an event means for a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// The message changes. Commit `progress` over the version that was decided on; after that,
    /// and only then, do the rest.
    Change {
        /// What the message becomes.
        progress: Progress,
        /// Tell the queue that the message waits.
        hint: bool,
        /// Ask the provider what became of the message.
        query: bool,
    },
    /// Nothing changes.
    Keep(Unchanged),
}

pub(super) type Step = Result<Effects, Unchanged>;

/// What is to be done after the commit.
pub(super) struct Effects {
    hint: bool,
    query: bool,
}

pub(super) const NOTHING_MORE: Effects = Effects {
    hint: false,
    query: false,
};

impl Rules {
    /// Decides what an event means for a message at this time. Pure and total: it reads nothing
    /// but its arguments and has an answer to every event in every state.
    #[must_use]
    pub fn decide(&self, message: &Message, event: &Event, now: Timestamp) -> Decision {
        let mut progress = message.progress.clone();
        let context = Context {
            rules: self,
            request: &message.request,
            now,
            cause: cause_of(event),
            retry_after: None,
        };
        let step = match event {
            Event::Claim {
                provider,
                token,
                lease_until,
            } => claim(&mut progress, context, provider, *token, *lease_until),
            Event::GiveBack { token } => give_back(&mut progress, context, *token),
            Event::Answered { token, answer } => answered(&mut progress, context, *token, answer),
            Event::Reported(report) => reported(&mut progress, context, report),
            Event::Queried(answer) => queried(&mut progress, context, answer),
            Event::Cancel => cancel(&mut progress, context),
            Event::Deadline { expected_wait } => deadline(&mut progress, context, *expected_wait),
        };
        match step {
            Ok(Effects { hint, query }) => {
                progress.version += 1;
                Decision::Change {
                    progress,
                    hint,
                    query,
                }
            }
            Err(why) => Decision::Keep(why),
        }
    }
}

fn cause_of(event: &Event) -> Cause {
    match event {
        Event::Claim { .. } => Cause::Claimed,
        Event::GiveBack { .. } => Cause::GivenBack,
        Event::Answered { .. } => Cause::Answered,
        Event::Reported(_) => Cause::Reported,
        Event::Queried(_) => Cause::Queried,
        Event::Cancel => Cause::Canceled,
        Event::Deadline { .. } => Cause::Due,
    }
}

fn claim(
    progress: &mut Progress,
    context: Context<'_>,
    provider: &ProviderName,
    token: ClaimToken,
    lease_until: Timestamp,
) -> Step {
    if progress.attempts.iter().any(|one| one.claim == token) {
        return Err(Unchanged::Repeated);
    }
    if progress.state != State::Queued {
        return Err(Unchanged::NotApplicable(progress.state));
    }
    if context.now >= context.request.expires_at {
        expire(progress, context);
        return Ok(NOTHING_MORE);
    }
    if progress.ready_at.is_some_and(|ready| context.now < ready) {
        return Err(Unchanged::NotDue);
    }
    let number = progress.last_attempt().map_or(0, |last| last.number) + 1;
    progress.record_attempt(Attempt {
        number,
        provider: provider.clone(),
        claim: token,
        started_at: context.now,
        lease_until,
        finished_at: None,
        outcome: None,
        provider_id: None,
        code: None,
        description: None,
        node: None,
        report: None,
    });
    progress.enter(State::Sending, context.now, context.cause);
    progress.deadline = Some(lease_until);
    Ok(NOTHING_MORE)
}

fn expire(progress: &mut Progress, context: Context<'_>) {
    let cause = Cause::Expired;
    end(progress, State::Expired, Context { cause, ..context });
}

fn give_back(progress: &mut Progress, context: Context<'_>, token: ClaimToken) -> Step {
    let state = progress.state;
    let attempt = attempt_of(progress, token)?;
    // Also after the lease has ended: what was taken for unknown was surely not sent.
    if state.is_final() || !(attempt.is_in_flight() || attempt.is_unresolved()) {
        return Err(Unchanged::NotApplicable(state));
    }
    attempt.outcome = Some(AttemptOutcome::GivenBack);
    attempt.finished_at = Some(context.now);
    settle(progress, context);
    let waits = progress.state == State::Queued && state != State::Queued;
    if waits {
        progress.ready_at = None;
        progress.deadline = Some(next_hint(&context, Duration::ZERO));
    }
    Ok(Effects {
        hint: waits,
        query: false,
    })
}

fn cancel(progress: &mut Progress, context: Context<'_>) -> Step {
    match progress.state {
        State::Scheduled | State::Queued => {
            end(progress, State::Canceled, context);
            Ok(NOTHING_MORE)
        }
        // It may be at the provider already. What is left to do is to start no further attempt.
        State::Sending | State::Unconfirmed if progress.ending.is_none() => {
            progress.ending = Some(State::Canceled);
            if progress.state == State::Unconfirmed {
                // No further attempt follows, so there is the whole window to wait for a report.
                hold(progress, context);
            }
            Ok(NOTHING_MORE)
        }
        state => Err(Unchanged::NotApplicable(state)),
    }
}

fn deadline(progress: &mut Progress, context: Context<'_>, expected_wait: Duration) -> Step {
    let due = progress
        .deadline
        .ok_or(Unchanged::NotApplicable(progress.state))?;
    if context.now < due {
        return Err(Unchanged::NotDue);
    }
    match progress.state {
        State::Scheduled => Ok(make_ready(progress, context, expected_wait)),
        State::Queued => Ok(hint_again(progress, context, expected_wait)),
        State::Sending => Ok(end_lease(progress, context)),
        State::Unconfirmed => Ok(end_hold(progress, context, expected_wait)),
        State::Sent => {
            let end = match progress.ending {
                Some(State::Undelivered) => State::Undelivered,
                _ => State::Unknown,
            };
            progress.enter(end, context.now, Cause::ReportWindowEnded);
            Ok(NOTHING_MORE)
        }
        state => Err(Unchanged::NotApplicable(state)),
    }
}

/// Puts the message in line for a worker now.
fn make_ready(progress: &mut Progress, context: Context<'_>, expected_wait: Duration) -> Effects {
    if context.now >= context.request.expires_at {
        expire(progress, context);
        return NOTHING_MORE;
    }
    progress.enter(State::Queued, context.now, context.cause);
    progress.ready_at = None;
    progress.deadline = Some(next_hint(&context, expected_wait));
    Effects {
        hint: true,
        query: false,
    }
}

fn next_hint(context: &Context<'_>, expected_wait: Duration) -> Timestamp {
    let again = context.rules.rehint_at(context.now, expected_wait);
    again.min(context.request.expires_at)
}

/// A queued message that nobody has claimed: its hint was lost, or it is still in line.
fn hint_again(progress: &mut Progress, context: Context<'_>, expected_wait: Duration) -> Effects {
    let waited = match progress.ready_at {
        // It waited for its retry, which is due now.
        Some(_) => Duration::ZERO,
        None => progress
            .since()
            .map_or(Duration::ZERO, |since| context.now.since(since)),
    };
    if !waited.is_zero() && waited < expected_wait {
        return stay_in_line(progress, context, expected_wait - waited);
    }
    make_ready(progress, context, expected_wait.max(waited))
}

/// A message whose turn has not come yet. It is looked at again when that should be over, and no
/// later: what others waited may be due to an outage, and their hints to have been lost like its
/// own.
fn stay_in_line(progress: &mut Progress, context: Context<'_>, turn: Duration) -> Effects {
    if context.now >= context.request.expires_at {
        expire(progress, context);
        return NOTHING_MORE;
    }
    let floor = context.rules.rehint_floor;
    let again = context.now + turn.clamp(floor, context.rules.rehint_cap.max(floor));
    progress.deadline = Some(again.min(context.request.expires_at));
    NOTHING_MORE
}

fn end_lease(progress: &mut Progress, context: Context<'_>) -> Effects {
    let in_flight = progress
        .attempts
        .iter_mut()
        .filter(|attempt| attempt.is_in_flight());
    for attempt in in_flight {
        attempt.outcome = Some(AttemptOutcome::Unknown);
    }
    let cause = Cause::LeaseEnded;
    settle(progress, Context { cause, ..context });
    NOTHING_MORE
}

fn end_hold(progress: &mut Progress, context: Context<'_>, expected_wait: Duration) -> Effects {
    let cause = Cause::Policy;
    let context = Context { cause, ..context };
    match after_hold(progress, &context, Duration::ZERO) {
        AfterHold::SubmitAgain { .. } => make_ready(progress, context, expected_wait),
        AfterHold::Ask => {
            let next = context.now + query_pause(progress, &context);
            progress.deadline = Some(next.min(window_end(progress, &context)));
            Effects {
                hint: false,
                query: true,
            }
        }
        AfterHold::GiveUp => {
            let at = give_up_at(progress, &context);
            if context.now < at {
                // It was to be submitted again, and its validity ended over that.
                progress.deadline = Some(at);
            } else {
                progress.enter(State::Unknown, context.now, cause);
            }
            NOTHING_MORE
        }
    }
}
