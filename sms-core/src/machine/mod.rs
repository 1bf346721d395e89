//! The state machine: one pure function from a message, an event and the time to what the
//! message becomes.
//!
//! An event adds facts to the record of a message (an attempt, its outcome, a report); then
//! [`settle`] reads the state off the facts. So events may come in any order and the result is
//! the same.

mod answers;
mod decide;
mod event;
mod history;
mod reports;
mod rules;
mod schedule;
mod settle;

pub use decide::Decision;
pub use event::{Event, Unchanged};
pub(crate) use rules::LONGEST_WISH;
pub use rules::{ProviderRules, Rules};
pub use schedule::{Jitter, RetrySchedule, ScheduleError};
