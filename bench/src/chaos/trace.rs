//! All that is known of one message, without its number and text.

use std::fmt;

use sms_grpc::proto::v1::Message;

use super::check::{Index, state_name};
use crate::sample;

/// The life of a message at both ends.
pub(super) struct Trace<'a> {
    pub(super) index: &'a Index<'a>,
    /// A message's id or reference.
    pub(super) whose: &'a str,
}

impl fmt::Display for Trace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, whose } = self;
        let by_id = index.by_id.get(whose);
        let message = by_id.or_else(|| index.by_reference.get(whose));
        let reference = message.map_or(*whose, |message| &message.reference);
        if let Some(message) = message {
            self.stored(message, f)?;
        }
        let calls = index.books.calls.iter();
        for call in calls.filter(|call| call.reference == reference) {
            writeln!(
                f,
                "    provider {:?} at {:?}: {:?}, taken {:?}, bytes {:x}",
                call.desk, call.at, call.manner, call.taken, call.body
            )?;
        }
        let reports = index.books.reports.iter();
        for report in reports.filter(|report| report.reference == reference) {
            writeln!(
                f,
                "    report of {}: delivered {:?}, by that id alone {}, acknowledged {:?}, refused \
                 {:?}",
                report.provider_id,
                report.delivered,
                report.by_provider_id,
                report.acknowledged,
                report.refusals
            )?;
        }
        Ok(())
    }
}

impl Trace<'_> {
    fn stored(&self, message: &Message, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Message { id, reference, .. } = message;
        let state = state_name(message.state());
        let policy = message.on_unknown().as_str_name();
        writeln!(
            f,
            "    {id} ({reference}) is {state} at version {}, {policy}",
            message.version
        )?;
        let wish = sample::number(&message.text).and_then(|number| self.index.wishes.get(&number));
        if let Some(wish) = wish {
            writeln!(
                f,
                "    message {}: {} calls, key {}, answers {:?}",
                wish.number, wish.calls, wish.keyed, wish.ids
            )?;
            for failure in &wish.failures {
                writeln!(f, "    call failed at {failure}")?;
            }
        }
        for entry in &message.timeline {
            let cause = entry.cause().as_str_name().trim_start_matches("CAUSE_");
            let (state, cause) = (state_name(entry.state()), cause.to_lowercase());
            writeln!(
                f,
                "    {:>3} {}: {state}, {cause}",
                entry.sequence,
                time(entry.at)
            )?;
        }
        for attempt in &message.attempts {
            writeln!(
                f,
                "    attempt {} from {} to {} (lease {}): {}, id {:?}, {} {}",
                attempt.number,
                time(attempt.started_at),
                time(attempt.finished_at),
                time(attempt.lease_until),
                attempt.outcome().as_str_name(),
                attempt.provider_id,
                attempt.code,
                attempt.description
            )?;
        }
        Ok(())
    }
}

/// Seconds within the hour: enough to compare.
fn time(at: Option<prost_types::Timestamp>) -> String {
    at.map_or_else(
        || "-".to_owned(),
        |at| {
            format!(
                "{:.3}",
                (at.seconds % 3_600) as f64 + f64::from(at.nanos) / 1e9
            )
        },
    )
}
