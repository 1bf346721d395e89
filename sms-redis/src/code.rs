//! The numbers that stand for named values in a record. They are stored: none may ever change its
//! meaning.

use sms_core::{AttemptOutcome, Cause, Encoding, Priority, ReportStatus, State, UnknownPolicy};

use crate::bytes::Unreadable;

/// A value that is stored as a small number.
pub(crate) trait Code: Copy + PartialEq + 'static {
    /// What it is, for errors.
    const PART: &'static str;
    /// Every value, at the place of its number.
    const ALL: &'static [Self];

    fn code(self) -> u8 {
        // Every table is shorter than 16, and holds every value.
        Self::ALL
            .iter()
            .position(|value| *value == self)
            .and_then(|at| u8::try_from(at).ok())
            .unwrap_or(u8::MAX)
    }

    fn of(code: u8) -> Result<Self, Unreadable> {
        Self::ALL
            .get(usize::from(code))
            .copied()
            .ok_or(Unreadable::Part(Self::PART))
    }
}

impl Code for State {
    const PART: &'static str = "the state";
    const ALL: &'static [Self] = &[
        Self::Scheduled,
        Self::Queued,
        Self::Sending,
        Self::Unconfirmed,
        Self::Sent,
        Self::Delivered,
        Self::Undelivered,
        Self::Rejected,
        Self::Failed,
        Self::Expired,
        Self::Canceled,
        Self::Unknown,
    ];
}

impl Code for Cause {
    const PART: &'static str = "a cause";
    const ALL: &'static [Self] = &[
        Self::Accepted,
        Self::Due,
        Self::Claimed,
        Self::GivenBack,
        Self::Answered,
        Self::LeaseEnded,
        Self::Reported,
        Self::Queried,
        Self::Policy,
        Self::Expired,
        Self::Canceled,
        Self::ReportWindowEnded,
    ];
}

impl Code for AttemptOutcome {
    const PART: &'static str = "an outcome";
    const ALL: &'static [Self] = &[
        Self::Accepted,
        Self::Duplicate,
        Self::Rejected,
        Self::Throttled,
        Self::Unavailable,
        Self::Unauthorized,
        Self::Unknown,
        Self::GivenBack,
    ];
}

impl Code for ReportStatus {
    const PART: &'static str = "the status of a report";
    const ALL: &'static [Self] = &[
        Self::Buffered,
        Self::Delivered,
        Self::Undelivered,
        Self::Expired,
        Self::Rejected,
        Self::Unknown,
    ];
}

impl Code for Priority {
    const PART: &'static str = "the priority";
    const ALL: &'static [Self] = &[Self::Otp, Self::High, Self::Normal, Self::Bulk];
}

impl Code for UnknownPolicy {
    const PART: &'static str = "the policy";
    const ALL: &'static [Self] = &[Self::Hold, Self::PreferDuplicate, Self::PreferLoss];
}

impl Code for Encoding {
    const PART: &'static str = "the encoding";
    const ALL: &'static [Self] = &[Self::Gsm7, Self::Ucs2];
}

/// The letter that stands for a state in the header of a record, in the counts, and in the names
/// of indexes: `a` for the first of [`Code::ALL`].
pub(crate) fn letter(state: State) -> u8 {
    b'a' + state.code()
}

/// The state of a letter.
pub(crate) fn state_of(letter: u8) -> Result<State, Unreadable> {
    State::of(letter.wrapping_sub(b'a'))
}

/// Whether messages in this state have an index of their own. The others are so many, or pass so
/// quickly, that the index of all messages or that of deadlines finds them.
pub(crate) const fn is_rare(state: State) -> bool {
    !matches!(
        state,
        State::Queued | State::Sending | State::Sent | State::Delivered
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(of: impl Fn(State) -> bool) -> String {
        let states = State::ALL.into_iter().filter(|state| of(*state));
        states.map(|state| char::from(letter(state))).collect()
    }

    #[test]
    fn every_state_leads_to_a_letter_and_back() {
        assert_eq!(letters(|_| true), "abcdefghijkl");
        for state in State::ALL {
            assert_eq!(state_of(letter(state)), Ok(state));
        }
        for other in [b'`', b'm', 0, 255] {
            assert_eq!(state_of(other), Err(Unreadable::Part("the state")));
        }
    }

    #[test]
    fn the_scripts_know_the_same_states_as_rare_and_as_final() {
        let rare = format!("local RARE = '{}'", letters(is_rare));
        let ended = format!("local FINAL = '{}'", letters(State::is_final));
        let (insert, commit) = (include_str!("insert.lua"), include_str!("commit.lua"));
        let remove = include_str!("remove.lua");
        for script in [insert, commit, remove] {
            assert!(script.contains(&rare), "{rare}");
        }
        assert!(remove.contains(&ended), "{ended}");
    }

    #[test]
    fn every_value_has_a_code() {
        assert!(State::ALL.iter().all(|state| state.code() < 16));
        assert!(Priority::ALL.iter().all(|one| one.code() < 4));
        // A value added later must be given a number: this match says where.
        let new = |cause: Cause| match cause {
            Cause::Accepted
            | Cause::Due
            | Cause::Claimed
            | Cause::GivenBack
            | Cause::Answered
            | Cause::LeaseEnded
            | Cause::Reported
            | Cause::Queried
            | Cause::Policy
            | Cause::Expired
            | Cause::Canceled
            | Cause::ReportWindowEnded => cause.code(),
        };
        assert_eq!(new(Cause::ReportWindowEnded), 11);
    }
}
