//! How the provider treats a call, and what it reports later.

use super::dice::Dice;

/// The two faces of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Desk {
    /// Takes a reference once, as MegaFon does.
    Once,
    /// Takes whatever comes, every time.
    Plain,
}

/// How a call is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Manner {
    Takes,
    Refuses,
    Throttles,
    /// Says that it cannot take anything now.
    Unavailable,
    /// Neither takes nor answers.
    Hangs,
    /// Takes after the caller's time-out, then answers.
    TakesLate,
    /// Takes at once and answers after the caller's time-out.
    AnswersLate,
    /// Closes the connection instead of an answer.
    Cuts,
    TakesAndCuts,
    /// Answers what nobody can read.
    Garbles,
    TakesAndGarbles,
}

/// How often each is drawn, in thousandths; else the message is taken. A throttled answer holds
/// up everything for a second, so it is rare.
const MANNERS: [(u64, Manner); 10] = [
    (30, Manner::Refuses),
    (3, Manner::Throttles),
    (15, Manner::Unavailable),
    (8, Manner::Hangs),
    (8, Manner::TakesLate),
    (8, Manner::AnswersLate),
    (15, Manner::Cuts),
    (15, Manner::TakesAndCuts),
    (10, Manner::Garbles),
    (10, Manner::TakesAndGarbles),
];

/// From this call of a message on there is no more trouble.
const PATIENCE: u64 = 3;

impl Manner {
    /// The manner of the `nth` call (from 0) for message `number`.
    pub(super) fn draw(dice: Dice, number: u64, nth: u64) -> Self {
        if nth >= PATIENCE {
            return Self::Takes;
        }
        draw(
            &MANNERS,
            dice.throw("manner", number * PATIENCE + nth, 1_000),
        )
        .unwrap_or(Self::Takes)
    }

    /// Whether the caller was told that the message was not taken, so that it may call again.
    pub(super) fn allows_another(self) -> bool {
        matches!(self, Self::Throttles | Self::Unavailable)
    }
}

/// When reports come of a message that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reporting {
    Soon,
    /// Before the call is answered.
    Early,
    Late,
    Twice,
    /// That it is under way comes after that it arrived.
    OutOfOrder,
    Never,
}

const REPORTINGS: [(u64, Reporting); 5] = [
    (80, Reporting::Early),
    (40, Reporting::Late),
    (40, Reporting::Twice),
    (30, Reporting::OutOfOrder),
    (20, Reporting::Never),
];

impl Reporting {
    pub(super) fn draw(dice: Dice, number: u64) -> Self {
        draw(&REPORTINGS, dice.throw("reporting", number, 1_000)).unwrap_or(Self::Soon)
    }
}

/// What the report of message `number` says in the end.
pub(super) fn is_delivered(dice: Dice, number: u64) -> bool {
    dice.throw("delivered", number, 10) != 0
}

/// Whether reports of message `number` name it by the provider's own id alone.
pub(super) fn is_named_by_provider_id(dice: Dice, number: u64) -> bool {
    dice.throw("address", number, 2) == 0
}

fn draw<T: Copy>(table: &[(u64, T)], mut drawn: u64) -> Option<T> {
    for (share, item) in table {
        match drawn.checked_sub(*share) {
            None => return Some(*item),
            Some(rest) => drawn = rest,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_manner_is_drawn_and_most_messages_are_taken() {
        let dice = Dice::new(1);
        let drawn: Vec<_> = (0..5_000).map(|n| Manner::draw(dice, n, 0)).collect();
        let kinds: HashSet<_> = drawn.iter().collect();
        assert_eq!(kinds.len(), MANNERS.len() + 1);
        let taken = drawn.iter().filter(|one| **one == Manner::Takes).count();
        assert!((4_200..4_600).contains(&taken), "{taken}");
    }

    #[test]
    fn trouble_ends_after_some_calls() {
        let dice = Dice::new(1);
        assert!((0..5_000).all(|n| Manner::draw(dice, n, PATIENCE) == Manner::Takes));
    }
}
