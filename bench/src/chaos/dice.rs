//! Draws that can be repeated.

/// Draws that depend on nothing but the seed and on what is drawn: not on when, nor on what was
/// drawn before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dice {
    seed: u64,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// A number below `sides`, for the `nth` draw of this name.
    pub(super) fn throw(self, name: &str, nth: u64, sides: u64) -> u64 {
        let named = name
            .bytes()
            .fold(self.seed, |mixed, byte| mix(mixed ^ u64::from(byte)));
        mix(named ^ mix(nth)) % sides.max(1)
    }

    /// Puts the items in an order of this name.
    pub(super) fn shuffle<T>(self, name: &str, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let drawn = self.throw(name, last as u64, last as u64 + 1);
            items.swap(last, usize::try_from(drawn).unwrap_or_default());
        }
    }
}

/// The finishing steps of SplitMix64 (Steele, Lea, Flood 2014).
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_again_and_another_seed_something_else() {
        let draws = |seed| -> Vec<u64> {
            let dice = Dice::new(seed);
            (0..20)
                .map(|nth| dice.throw("manner", nth, 1_000))
                .collect()
        };
        assert_eq!(draws(7), draws(7));
        assert_ne!(draws(7), draws(8));
    }

    #[test]
    fn draws_are_spread_over_all_sides() {
        let mut seen = [0; 4];
        for nth in 0..4_000 {
            seen[Dice::new(1).throw("side", nth, 4) as usize] += 1;
        }
        assert!(
            seen.iter().all(|count| (900..1_100).contains(count)),
            "{seen:?}"
        );
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<_> = (0..30).collect();
        Dice::new(3).shuffle("order", &mut items);
        assert_ne!(items, (0..30).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..30).collect::<Vec<_>>());
    }
}
