//! States only move forward, and what was told once stays so.

use sms_grpc::proto::v1::{Message, State, Transition};

use super::{Breach, Index, Rule, breach, of, state_name};

pub(super) fn check(index: &Index<'_>) -> Vec<Breach> {
    let all = index.books.messages.iter();
    let mut breaches: Vec<_> = all.filter_map(went_back).collect();
    for glimpse in &index.books.glimpses {
        breaches.extend(match index.by_id.get(&*glimpse.id) {
            Some(message) => forgotten(glimpse, message),
            None => Some(breach(Rule::Lost, &glimpse.id, "was seen and is gone")),
        });
    }
    breaches
}

fn went_back(message: &Message) -> Option<Breach> {
    let last = message.timeline.last().map(Transition::state);
    if last != Some(message.state()) {
        return Some(of(
            message,
            Rule::WentBack,
            "its state is not the last of its history",
        ));
    }
    let pairs = message.timeline.iter().zip(message.timeline.iter().skip(1));
    for (one, next) in pairs {
        if next.sequence <= one.sequence {
            return Some(of(message, Rule::WentBack, "its history is out of order"));
        }
        // In a gap older entries were dropped.
        let follows = next.sequence == one.sequence + 1;
        if follows && !leads_to(one.state()).contains(&next.state()) {
            let (from, to) = (state_name(one.state()), state_name(next.state()));
            return Some(of(message, Rule::WentBack, format!("from {from} to {to}")));
        }
    }
    None
}

/// The ways of `docs/states.md`.
fn leads_to(state: State) -> &'static [State] {
    use State::{
        Canceled, Delivered, Expired, Failed, Queued, Rejected, Sending, Sent, Unconfirmed,
        Undelivered, Unknown,
    };
    match state {
        State::Scheduled => &[Queued, Canceled, Expired],
        Queued => &[
            Sending,
            Canceled,
            Expired,
            Unconfirmed,
            Sent,
            Delivered,
            Undelivered,
            Unknown,
            Rejected,
        ],
        Sending => &[
            Sent,
            Delivered,
            Undelivered,
            Unknown,
            Queued,
            Unconfirmed,
            Rejected,
            Failed,
            Expired,
            Canceled,
        ],
        Unconfirmed => &[
            Sent,
            Delivered,
            Undelivered,
            Unknown,
            Queued,
            Rejected,
            Failed,
            Expired,
            Canceled,
        ],
        Sent => &[Delivered, Undelivered, Unknown],
        Unknown => &[Delivered, Undelivered],
        _ => &[],
    }
}

/// Everything that was seen of the message is in its history now.
fn forgotten(glimpse: &Message, message: &Message) -> Option<Breach> {
    if glimpse.version > message.version {
        let words = format!(
            "was seen at version {}, is at {}",
            glimpse.version, message.version
        );
        return Some(of(message, Rule::Forgotten, words));
    }
    let lost = glimpse.timeline.iter().find(|seen| {
        let at = message
            .timeline
            .iter()
            .find(|now| now.sequence == seen.sequence);
        at.is_some_and(|now| now.state != seen.state || now.at != seen.at)
    })?;
    let words = format!("was {} once and does not know it", state_name(lost.state()));
    Some(of(message, Rule::Forgotten, words))
}
